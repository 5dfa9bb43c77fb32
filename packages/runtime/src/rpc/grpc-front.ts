import { constants, type ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import {
  type Metadata,
  ServerInterceptingCall,
  type ServerInterceptor,
  ServerListenerBuilder,
  type ServerOptions,
} from '@grpc/grpc-js'
import { parseAddress } from '../env.js'
import { AppError, toServiceError } from '../errors.js'
import { serverOptions } from './limits.js'
import type { ServerTls } from './listener.js'
import { RefusedMessage } from './message-guard.js'
import type { CallerAddress } from './served.js'

/** What clients from outside may take up of a server. */
export interface GrpcFrontLimits {
  readonly connectionsMax: number
  /** From the beginning of a call to the end of its request; a stream of requests has a minute. */
  readonly requestTimeoutMs: number
  readonly messageBytesMax: number
  /** Told of each connection that was closed at once because as many as may be were open. */
  readonly onDropped: () => void
  /** Told of each connection first; one that it destroys gets no further. */
  readonly onConnection?: (socket: Socket) => void
  /** Awaited before a health check is answered: by then the state that was set is the one of now. */
  readonly beforeHealthCheck?: () => Promise<void>
  readonly shares?: CallerShares
  /** What it shows to clients, and asks of them; without it, it is left to a proxy before it. */
  readonly tls?: ServerTls | undefined
}

/** What each caller may send, kept by whoever serves them. */
export interface CallerShares {
  /** Why no message of a call is read; undefined where it is. The caller may not call again before its RetryInfo. */
  refusalAhead(path: string, caller: CallerAddress): AppError | undefined
  /** Something of a call, of so many bytes, is refused: answers now, or later where the caller is refused all the time. */
  refuse(caller: CallerAddress, sentBytes: number, answer: () => void): void
}

/** Calls at once on one connection. */
const STREAMS_MAX = 128
const STREAM_TIMEOUT_MS = 60_000
/** Share of the time limit by which the ends of calls are spread. */
const SPREAD = 0.1

export function frontOptions({ messageBytesMax, requestTimeoutMs, shares }: GrpcFrontLimits): ServerOptions {
  return {
    ...serverOptions,
    'grpc.max_concurrent_streams': STREAMS_MAX,
    'grpc.max_receive_message_length': messageBytesMax,
    interceptors: [callLimits(requestTimeoutMs, shares)],
  }
}

/**
 * Ends what a client does not finish to ask, and lets go of what was answered before it was asked to the end. Reads
 * nothing of a client that is over its share. One interceptor: only the first one of a server has the call's stream.
 */
function callLimits(timeoutMs: number, shares: CallerShares | undefined): ServerInterceptor {
  const late = toServiceError(new AppError('body_timeout', 'the request was not complete in time'))
  return ({ requestStream, path }, call) => {
    const limitMs = requestStream ? STREAM_TIMEOUT_MS : timeoutMs
    // Calls that were begun together do not end together: to end one costs half a millisecond.
    const timer = setTimeout(() => call.sendStatus(late), limitMs * (1 + Math.random() * SPREAD))
    let isComplete = false
    let caller: CallerAddress | undefined
    const listener = new ServerListenerBuilder()
      .withOnReceiveMetadata((metadata, next) => {
        caller = callerOf(call.getPeer(), metadata)
        const refusal = shares?.refusalAhead(path, caller)
        if (refusal) shares?.refuse(caller, 0, () => call.sendStatus(toServiceError(refusal)))
        else next(metadata)
      })
      .withOnReceiveMessage((message: unknown, next) => {
        if (shares && caller && message instanceof RefusedMessage)
          shares.refuse(caller, message.sizeBytes, () => next(message))
        else next(message)
      })
      .withOnReceiveHalfClose((next) => {
        isComplete = true
        clearTimeout(timer)
        next()
      })
      .withOnCancel(() => {
        clearTimeout(timer)
        if (!isComplete) closeStream(call)
      })
      .build()
    return new ServerInterceptingCall(call, { start: (next) => next(listener) })
  }
}

/** @param peer as grpc-js names it: 127.0.0.1:40000 */
export function callerOf(peer: string, metadata: Metadata): CallerAddress {
  const forwarded = metadata.get('x-forwarded-for')
  return {
    peer: parseAddress(peer)?.host ?? peer,
    forwardedFor: forwarded.length === 0 ? undefined : forwarded.join(','),
  }
}

/** grpc-js 1.14 leaves a stream open, and counted, until its client ends it, and has no way to end it from here. */
function closeStream(call: object): void {
  const stream: unknown = Reflect.get(call, 'stream')
  if (isStream(stream)) stream.close(constants.NGHTTP2_NO_ERROR)
}

function isStream(value: unknown): value is ServerHttp2Stream {
  return typeof value === 'object' && value !== null && 'close' in value && typeof value.close === 'function'
}
