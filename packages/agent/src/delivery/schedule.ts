import { Heap } from './heap.js'

/** A record that is to be sent: all that is kept of it in memory while it waits. */
export interface Waiting {
  readonly seq: number
  /** How often it was sent since this process has begun. */
  readonly attempts: number
  /** By the monotonic clock; not to be sent before. */
  readonly dueMs: number
}

/**
 * The records that are to be sent: those that are due, in order of `outbox_seq`. A record that must wait does not
 * block those behind it.
 */
export class Schedule {
  readonly #due = new Heap<Waiting>((a, b) => a.seq < b.seq)
  readonly #later = new Heap<Waiting>((a, b) => a.dueMs < b.dueMs)

  get size(): number {
    return this.#due.size + this.#later.size
  }

  /** How many could be taken out now. */
  dueCount(nowMs: number): number {
    this.#promote(nowMs)
    return this.#due.size
  }

  add(waiting: Waiting): void {
    this.#later.push(waiting)
  }

  /** Takes out the lowest `outbox_seq` that is due. */
  take(nowMs: number): Waiting | undefined {
    this.#promote(nowMs)
    return this.#due.pop()
  }

  /** When there is next something to take: not after `nowMs` if there is now, undefined if nothing waits. */
  nextMs(nowMs: number): number | undefined {
    this.#promote(nowMs)
    return this.#due.size > 0 ? nowMs : this.#later.top?.dueMs
  }

  #promote(nowMs: number): void {
    for (let next = this.#later.top; next !== undefined && next.dueMs <= nowMs; next = this.#later.top) {
      this.#later.pop()
      this.#due.push(next)
    }
  }
}
