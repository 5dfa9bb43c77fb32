import type { ServerWritableStream } from '@grpc/grpc-js'
import { toServiceError } from '../errors.js'

/**
 * A handler that sends what a generator yields, at the reader's pace; what the generator throws goes out as the table
 * of errors says. The signal is aborted when the caller is gone.
 */
export function streamHandler<Request, Response>(
  handle: (request: Request, gone: AbortSignal) => AsyncIterable<Response>,
  onError: (error: unknown) => void,
) {
  return (call: ServerWritableStream<Request, Response>): void => {
    send(call, handle).catch((error: unknown) => {
      onError(error)
      call.emit('error', toServiceError(error))
    })
  }
}

async function send<Request, Response>(
  call: ServerWritableStream<Request, Response>,
  handle: (request: Request, gone: AbortSignal) => AsyncIterable<Response>,
): Promise<void> {
  const gone = new AbortController()
  call.once('cancelled', () => gone.abort())
  for await (const response of handle(call.request, gone.signal)) {
    if (call.cancelled) return
    if (!call.write(response)) await drained(call)
  }
  call.end()
}

function drained<Request, Response>(call: ServerWritableStream<Request, Response>): Promise<void> {
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
