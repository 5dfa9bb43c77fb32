import type { SpanQueueLimits } from './config.js'

export type DropReason = 'queue_full' | 'export_failed'

export interface SpanQueueParts<Span> {
  readonly limits: SpanQueueLimits
  /** Sends a batch. It may fail or never end: the batch is then dropped. */
  readonly send: (batch: readonly Span[]) => Promise<void>
  readonly onSent: (count: number) => void
  readonly onDropped: (count: number, reason: DropReason, error?: unknown) => void
}

/**
 * Spans on their way to the collector: one batch at a time, when it is full or its first span has waited long enough.
 * The SDK has such a processor too, but does not count what it drops.
 */
export class SpanQueue<Span> {
  readonly #parts: SpanQueueParts<Span>
  #spans: Span[] = []
  #timer: NodeJS.Timeout | undefined
  #sending: Promise<void> | undefined
  #isClosed = false

  constructor(parts: SpanQueueParts<Span>) {
    this.#parts = parts
  }

  add(span: Span): void {
    const { spansMax, batchSpansMax, delayMs } = this.#parts.limits
    if (this.#isClosed || this.#spans.length >= spansMax) {
      this.#parts.onDropped(1, 'queue_full')
      return
    }
    this.#spans.push(span)
    if (this.#sending) return
    if (this.#spans.length >= batchSpansMax) this.#sendNow()
    else this.#timer ??= setTimeout(() => this.#sendNow(), delayMs).unref()
  }

  /** Sends what is left, for at most so long; takes no more. */
  async close(limitMs: number): Promise<void> {
    this.#isClosed = true
    let isOver = false
    const limit = new Promise<void>((resolve) => {
      const end = (): void => {
        isOver = true
        resolve()
      }
      setTimeout(end, limitMs).unref()
    })
    while (!isOver && (this.#sending || this.#spans.length > 0)) {
      if (!this.#sending) this.#sendNow()
      await Promise.race([this.#sending, limit])
    }
    this.#drop(this.#spans.length, 'export_failed')
    this.#spans = []
  }

  #sendNow(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#sending ??= this.#send(this.#spans.splice(0, this.#parts.limits.batchSpansMax)).finally(() => {
      this.#sending = undefined
      this.#next()
    })
  }

  #next(): void {
    const { batchSpansMax, delayMs } = this.#parts.limits
    if (this.#isClosed || this.#spans.length === 0) return
    // Never at once: what waits in the process has its turn before the next batch is encoded.
    const waitMs = this.#spans.length >= batchSpansMax ? 0 : delayMs
    this.#timer ??= setTimeout(() => this.#sendNow(), waitMs).unref()
  }

  async #send(batch: readonly Span[]): Promise<void> {
    const { send, limits, onSent } = this.#parts
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_resolve, reject) => {
      const error = new Error(`the collector did not take a batch in ${limits.timeoutMs} ms`)
      timer = setTimeout(() => reject(error), limits.timeoutMs).unref()
    })
    try {
      await Promise.race([send(batch), late])
      onSent(batch.length)
    } catch (error) {
      this.#drop(batch.length, 'export_failed', error)
    } finally {
      clearTimeout(timer)
    }
  }

  #drop(count: number, reason: DropReason, error?: unknown): void {
    if (count > 0) this.#parts.onDropped(count, reason, error)
  }
}
