import { monotonicMs } from '@fractal-lba/clock'
import {
  type handleBidiStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  Metadata,
  type ServerWritableStream,
  type UntypedHandleCall,
} from '@grpc/grpc-js'
import { AppError, toServiceError } from '../errors.js'
import { BatchSession } from './batch-session.js'
import { fromMetadata } from './call-context.js'
import { noteClock, withClock } from './clock-metadata.js'
import { callerOf } from './grpc-front.js'
import { beginCall } from './interceptors.js'
import { demandMessage } from './message-guard.js'
import type { Served, ServedBatches, ServedMethod, ServedStream, ServedUnary } from './served.js'
import type { BatchRequest, BatchResponse } from './transport.js'

/** A method as grpc-js serves it: errors go out as the table of errors says. */
export function grpcHandler(method: ServedMethod, served: Served): UntypedHandleCall {
  switch (method.kind) {
    case 'unary':
      return unaryHandler(method, served)
    case 'stream':
      return streamHandler(method, served)
    case 'batch':
      return batchHandler(method, served)
  }
}

function unaryHandler(method: ServedUnary, { draining, clock }: Served): handleUnaryCall<unknown, unknown> {
  return (call, callback) => {
    const receivedMs = monotonicMs()
    if (clock) noteClock(clock, call.metadata, receivedMs, receivedMs)
    const { context, end } = beginCall(method.around, fromMetadata(call.metadata))
    const trailer = new Metadata()
    const tell = (name: string, value: string): void => trailer.set(name, value)
    answer(method, call.request, {
      context,
      draining,
      tell,
      caller: callerOf(call.getPeer(), call.metadata),
      requestId: requestIdOf(call.metadata),
    }).then(
      (response) => {
        end?.({ endedMs: monotonicMs(), errors: [] })
        callback(null, response, withClock(trailer, clock))
      },
      (error: unknown) => {
        end?.({ endedMs: monotonicMs(), errors: [error] })
        method.onError(error)
        const failure = toServiceError(error)
        failure.metadata.merge(trailer)
        callback(failure)
      },
    )
  }
}

function requestIdOf(metadata: Metadata): string | undefined {
  const [id] = metadata.get('x-request-id')
  return typeof id === 'string' ? id : undefined
}

async function answer(
  { handle }: ServedUnary,
  request: unknown,
  call: Parameters<ServedUnary['handle']>[1],
): Promise<unknown> {
  return handle(demandMessage(request), call)
}

function streamHandler(
  method: ServedStream,
  { draining }: Served,
): handleServerStreamingCall<unknown, unknown> {
  return (call) => {
    const { context, end } = beginCall(method.around, fromMetadata(call.metadata))
    const gone = new AbortController()
    call.once('cancelled', () => gone.abort())
    const responses = (): AsyncIterable<unknown> =>
      method.handle(demandMessage(call.request), { context, draining, gone: gone.signal })
    send(call, responses).then(
      () => end?.({ endedMs: monotonicMs(), errors: [] }),
      (error: unknown) => {
        end?.({ endedMs: monotonicMs(), errors: [error] })
        method.onError(error)
        call.emit('error', toServiceError(error))
      },
    )
  }
}

/** At the reader's pace. */
async function send(
  call: ServerWritableStream<unknown, unknown>,
  responses: () => AsyncIterable<unknown>,
): Promise<void> {
  for await (const response of responses()) {
    if (call.cancelled) return
    if (!call.write(response)) await drained(call)
  }
  call.end()
}

function drained(call: ServerWritableStream<unknown, unknown>): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      call.off('drain', go)
      call.off('cancelled', go)
      resolve()
    }
    call.on('drain', go)
    call.on('cancelled', go)
  })
}

function batchHandler(
  method: ServedBatches,
  { draining }: Served,
): handleBidiStreamingCall<BatchRequest, BatchResponse> {
  return (stream) => {
    const session = new BatchSession(method, draining, {
      respond(response) {
        if (!stream.cancelled) stream.write(response)
      },
      end: () => stream.end(),
      fail: (error) => stream.emit('error', toServiceError(error)),
    })
    stream.on('data', (request: BatchRequest | AppError) => {
      if (request instanceof AppError) session.refuse(request)
      else session.receive(request)
    })
    stream.on('end', () => session.noMore())
    stream.on('cancelled', () => session.close())
    stream.on('close', () => session.close())
    stream.on('error', () => session.close())
  }
}
