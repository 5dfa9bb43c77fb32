import type { AppError } from '../errors.js'
import type { CallContext } from './call-context.js'

/** An item of a batch client until it is answered or has failed. */
export interface Pending<Item, Answer> {
  readonly item: Item
  readonly askedMs: number
  /** Where this try ends, and where the whole ends that the item is a part of. Monotonic. */
  readonly deadlineMs: number
  readonly wholeDeadlineMs: number
  context: CallContext | undefined
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: unknown) => void
  readonly onLate: ((answer: Answer) => void) | undefined
  /** Of CallOptions. */
  readonly alone: boolean
  /** Since when it waits for a place in a batch. Monotonic. */
  readonly queuedMs: number
  /** Address of the server that failed its first try. */
  failedAt: string | undefined
  /** Why its first try was lost in flight, where it was. */
  lostWith: AppError | undefined
  error: unknown
  answer: unknown
}

export interface BatchBounds<Item> {
  readonly itemsMax: number
  readonly bytesMax: number
  readonly sizeBytes: (item: Item) => number
}

/** What waits for a place in a batch, in its order. An item that is to be alone is taken when it is the first. */
export class ItemQueue<Item, Answer> {
  #waiting: Pending<Item, Answer>[] = []

  get length(): number {
    return this.#waiting.length
  }

  get isFirstAlone(): boolean {
    return this.#waiting[0]?.alone === true
  }

  push(pending: Pending<Item, Answer>): void {
    this.#waiting.push(pending)
  }

  /** Puts items at the head. */
  putBack(again: readonly Pending<Item, Answer>[]): void {
    if (again.length > 0) this.#waiting = again.concat(this.#waiting)
  }

  /** Whether there is a batch of items that may go. */
  has(mayGo: (pending: Pending<Item, Answer>) => boolean): boolean {
    return this.#takeable().some(mayGo)
  }

  /** The first batch of items that may go; one item even if it is larger than a batch. */
  take(
    mayGo: (pending: Pending<Item, Answer>) => boolean,
    { itemsMax, bytesMax, sizeBytes }: BatchBounds<Item>,
  ): Pending<Item, Answer>[] {
    const takeable = this.#takeable()
    const taken: Pending<Item, Answer>[] = []
    const skipped: Pending<Item, Answer>[] = []
    let bytes = 0
    let next = 0
    for (; next < takeable.length && taken.length < itemsMax; next += 1) {
      const pending = takeable[next] as Pending<Item, Answer>
      if (!mayGo(pending)) {
        skipped.push(pending)
        continue
      }
      bytes += sizeBytes(pending.item)
      if (taken.length > 0 && bytes > bytesMax) break
      taken.push(pending)
    }
    const rest = this.#waiting.slice(next)
    this.#waiting = skipped.length === 0 ? rest : skipped.concat(rest)
    return taken
  }

  /** All of a kind. */
  takeEach(isOne: (pending: Pending<Item, Answer>) => boolean): Pending<Item, Answer>[] {
    const taken: Pending<Item, Answer>[] = []
    const left: Pending<Item, Answer>[] = []
    for (const pending of this.#waiting) (isOne(pending) ? taken : left).push(pending)
    this.#waiting = left
    return taken
  }

  #takeable(): readonly Pending<Item, Answer>[] {
    if (this.isFirstAlone) return this.#waiting.slice(0, 1)
    const end = this.#waiting.findIndex(({ alone }) => alone)
    return end < 0 ? this.#waiting : this.#waiting.slice(0, end)
  }
}
