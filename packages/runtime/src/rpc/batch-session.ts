import { monotonicMs } from '@fractal-lba/clock'
import { AppError } from '../errors.js'
import type { CallContext } from './call-context.js'
import type { Call, CallEnd, TracedItem } from './interceptors.js'
import { BATCH_ITEMS_MAX, BATCHES_IN_FLIGHT_MAX } from './limits.js'
import type { HandledBatch, ServedBatches } from './served.js'
import type { BatchRequest, BatchResponse } from './transport.js'

/** What a session says to the other end. */
export interface SessionEvents {
  respond(response: BatchResponse): void
  /** Everything that was taken is answered, and nothing more is taken. */
  end(): void
  fail(error: unknown): void
}

/**
 * The server's end of a stream of batches, whatever carries it: each request is answered once, under its own number.
 * It ends in peace when the caller has no more or the server drains, and then it has answered all that it took.
 */
export class BatchSession {
  readonly #method: ServedBatches
  readonly #draining: AbortSignal
  readonly #events: SessionEvents
  readonly #onDrain = (): void => this.#endIfIdle()
  #inFlight = 0
  #noMore = false
  #over = false

  constructor(method: ServedBatches, draining: AbortSignal, events: SessionEvents) {
    this.#method = method
    this.#draining = draining
    this.#events = events
    draining.addEventListener('abort', this.#onDrain, { once: true })
    if (draining.aborted) this.#endIfIdle()
  }

  receive(request: BatchRequest): void {
    if (this.#over) return
    if (request.items.length > BATCH_ITEMS_MAX || this.#inFlight >= BATCHES_IN_FLIGHT_MAX) {
      const most = `at most ${BATCH_ITEMS_MAX} items in a batch and ${BATCHES_IN_FLIGHT_MAX} batches at once`
      this.#fail(new AppError('too_large', most))
      return
    }
    this.#inFlight += 1
    const call = callOf(request)
    const end = this.#method.around?.(call)
    this.#handle(request, call.traced.length > 0 ? contextsOf(request, call.traced) : [], end)
  }

  /** Nothing that can be taken has come. */
  refuse(error: AppError): void {
    this.#fail(error)
  }

  /** The caller sends no more. */
  noMore(): void {
    this.#noMore = true
    this.#endIfIdle()
  }

  /** The caller is gone: nobody hears what is still said. */
  close(): void {
    this.#over = true
    this.#draining.removeEventListener('abort', this.#onDrain)
  }

  #handle(
    request: BatchRequest,
    contexts: HandledBatch['contexts'],
    end: ((end: CallEnd) => void) | undefined,
  ): void {
    this.#results(request, contexts).then(
      (results) => {
        end?.({ endedMs: monotonicMs(), errors: [] })
        if (!this.#over) this.#events.respond({ batch: request.batch, results })
        this.#inFlight -= 1
        this.#endIfIdle()
      },
      (error: unknown) => {
        end?.({ endedMs: monotonicMs(), errors: [error] })
        this.#method.onError(error)
        this.#inFlight -= 1
        this.#fail(error)
      },
    )
  }

  async #results({ items }: BatchRequest, contexts: HandledBatch['contexts']): Promise<readonly unknown[]> {
    return this.#method.handle(items, { contexts })
  }

  #endIfIdle(): void {
    if (this.#over || this.#inFlight > 0 || !(this.#noMore || this.#draining.aborted)) return
    this.close()
    this.#events.end()
  }

  #fail(error: unknown): void {
    if (this.#over) return
    this.close()
    this.#events.fail(error)
  }
}

function callOf({ items, contexts }: BatchRequest): Call {
  const beganMs = monotonicMs()
  if (contexts.length === 0) return { size: items.length, beganMs, traced: [] }
  const traced: TracedItem[] = []
  for (const context of contexts) {
    if (isTraced(context)) traced.push({ askedMs: beganMs, context, error: undefined })
  }
  return { size: items.length, beganMs, traced }
}

/** Of each item, with what the interceptors have put in their places. */
function contextsOf({ contexts }: BatchRequest, traced: readonly TracedItem[]): (CallContext | undefined)[] {
  let next = 0
  return contexts.map((context) => (isTraced(context) ? traced[next++]?.context : undefined))
}

function isTraced({ traceparent }: CallContext): boolean {
  return traceparent !== ''
}
