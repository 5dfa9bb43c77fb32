import { constants, type ServerHttp2Stream } from 'node:http2'
import { createServer } from 'node:net'
import {
  type Server,
  ServerInterceptingCall,
  type ServerInterceptor,
  ServerListenerBuilder,
  type ServerOptions,
} from '@grpc/grpc-js'
import { parseAddress } from '../env.js'
import { AppError, toServiceError } from '../errors.js'
import { serverOptions } from './limits.js'
import { type Security, serverCredentials } from './security.js'

/** What clients from outside may take up of a server. */
export interface GrpcFrontLimits {
  readonly connectionsMax: number
  /** From the beginning of a call to the end of its request; a stream of requests has a minute. */
  readonly requestTimeoutMs: number
  readonly messageBytesMax: number
  /** Told of each connection that was closed at once because as many as may be were open. */
  readonly onDropped: () => void
  /** Awaited before a health check is answered: by then the state that was set is the one of now. */
  readonly beforeHealthCheck?: () => Promise<void>
}

/** Calls at once on one connection. */
const STREAMS_MAX = 128
const STREAM_TIMEOUT_MS = 60_000

export function frontOptions({ messageBytesMax, requestTimeoutMs }: GrpcFrontLimits): ServerOptions {
  return {
    ...serverOptions,
    'grpc.max_concurrent_streams': STREAMS_MAX,
    'grpc.max_receive_message_length': messageBytesMax,
    interceptors: [requestTimeout(requestTimeoutMs)],
  }
}

/** Ends what a client does not finish to ask, and lets go of what was answered before it was asked to the end. */
function requestTimeout(timeoutMs: number): ServerInterceptor {
  const late = toServiceError(new AppError('body_timeout', 'the request was not complete in time'))
  return ({ requestStream }, call) => {
    const limitMs = requestStream ? STREAM_TIMEOUT_MS : timeoutMs
    const timer = setTimeout(() => call.sendStatus(late), limitMs)
    let isComplete = false
    const listener = new ServerListenerBuilder()
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

/** grpc-js 1.14 leaves a stream open, and counted, until its client ends it, and has no way to end it from here. */
function closeStream(call: object): void {
  const stream: unknown = Reflect.get(call, 'stream')
  if (isStream(stream)) stream.close(constants.NGHTTP2_NO_ERROR)
}

function isStream(value: unknown): value is ServerHttp2Stream {
  return typeof value === 'object' && value !== null && 'close' in value && typeof value.close === 'function'
}

export interface FrontListener {
  readonly port: number
  /** Takes no more connections; those that are open are the server's. */
  close(): void
}

/** Listens by itself, because a gRPC server has no limit for its connections. @throws Error where it cannot listen. */
export function listenFront(
  server: Server,
  address: string,
  security: Security,
  { connectionsMax, onDropped }: GrpcFrontLimits,
): Promise<FrontListener> {
  const injector = server.createConnectionInjector(serverCredentials(security))
  const listener = createServer({ noDelay: true }, (socket) => injector.injectConnection(socket))
  listener.maxConnections = connectionsMax
  listener.on('drop', onDropped)
  return new Promise((resolve, reject) => {
    listener.once('error', reject)
    listener.listen(parseAddress(address), () => {
      listener.off('error', reject)
      const bound = listener.address()
      const port = typeof bound === 'object' && bound ? bound.port : 0
      resolve({ port, close: () => listener.close() })
    })
  })
}
