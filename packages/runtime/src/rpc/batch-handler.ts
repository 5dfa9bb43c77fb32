import { type ServerDuplexStream, status } from '@grpc/grpc-js'
import { toServiceError } from '../errors.js'

/** The most items that a server takes in one batch. */
export const BATCH_ITEMS_MAX = 256
/** The most batches that a server works on at once for one stream. */
const BATCHES_IN_FLIGHT_MAX = 4

interface BatchRequest<Item> {
  readonly batch: number
  readonly items: readonly Item[]
}

interface BatchResponse<Result> {
  batch: number
  results: Result[]
}

/**
 * The server's end of a stream of batches: each request is answered once, under its own number, with one
 * result for each item in their order. `handle` reports what is wrong with an item as that item's result; if
 * it throws, the stream ends with that error and the caller's batches with it.
 *
 * @param draining aborted when the server stops: streams end as soon as nothing of theirs is under way.
 */
export function batchHandler<Request extends BatchRequest<Item>, Item, Result>(
  handle: (items: Request['items'], request: Request) => Promise<Result[]> | Result[],
  draining: AbortSignal,
  onError: (error: unknown) => void,
) {
  return (stream: ServerDuplexStream<Request, BatchResponse<Result>>): void => {
    let inFlight = 0
    let noMore = false
    const fail = (error: unknown): void => {
      onError(error)
      stream.emit('error', toServiceError(error))
    }
    const endIfIdle = (): void => {
      if ((noMore || draining.aborted) && inFlight === 0 && !stream.writableEnded) stream.end()
    }
    const onDrain = (): void => endIfIdle()
    draining.addEventListener('abort', onDrain, { once: true })
    stream.on('close', () => draining.removeEventListener('abort', onDrain))
    stream.on('error', () => draining.removeEventListener('abort', onDrain))
    stream.on('cancelled', () => draining.removeEventListener('abort', onDrain))

    stream.on('data', (request: Request) => {
      if (request.items.length > BATCH_ITEMS_MAX || inFlight >= BATCHES_IN_FLIGHT_MAX) {
        const details = `at most ${BATCH_ITEMS_MAX} items in a batch and ${BATCHES_IN_FLIGHT_MAX} batches at once`
        stream.emit('error', Object.assign(new Error(details), { code: status.RESOURCE_EXHAUSTED, details }))
        return
      }
      inFlight += 1
      Promise.resolve(handle(request.items, request))
        .then((results) => {
          if (!stream.cancelled && !stream.writableEnded) stream.write({ batch: request.batch, results })
        }, fail)
        .finally(() => {
          inFlight -= 1
          endIfIdle()
        })
    })
    stream.on('end', () => {
      noMore = true
      endIfIdle()
    })
  }
}
