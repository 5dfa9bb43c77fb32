import type { AppError } from '../errors.js'
import type { CallContext } from './call-context.js'
import { FairTurns } from './fair-turns.js'

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
  readonly client: string | undefined
  /** Since when it waits for a place in a batch. Monotonic. */
  readonly queuedMs: number
  /** Address of the server that failed its first try. */
  failedAt: string | undefined
  /** Why its first try was lost in flight, where it was. */
  lostWith: AppError | undefined
  error: unknown
  answer: unknown
  /** Its place among what waits. */
  turn: number
}

export interface BatchBounds {
  readonly itemsMax: number
  readonly bytesMax: number
}

/**
 * What waits for a place in a batch: as it came, and where clients are told, each client's in its turn. An item that is
 * to be alone is taken when it is the first.
 */
export class ItemQueue<Item, Answer> {
  readonly #sizeBytes: (item: Item) => number
  readonly #turns = new FairTurns()
  /** How many of each client wait. */
  readonly #counts = new Map<string, number>()
  /** By rising turns. */
  #waiting: Pending<Item, Answer>[] = []

  constructor(sizeBytes: (item: Item) => number) {
    this.#sizeBytes = sizeBytes
  }

  get length(): number {
    return this.#waiting.length
  }

  waitingOf(client: string): number {
    return this.#counts.get(client) ?? 0
  }

  get isFirstAlone(): boolean {
    return this.#waiting[0]?.alone === true
  }

  push(pending: Pending<Item, Answer>): void {
    if (this.#waiting.length === 0) this.#turns.clear()
    const last = this.#waiting.at(-1)?.turn ?? 0
    this.#count(pending, 1)
    if (pending.client === undefined || pending.alone) pending.turn = last
    else pending.turn = this.#turns.next(pending.client, this.#sizeBytes(pending.item))
    if (pending.turn >= last) this.#waiting.push(pending)
    else this.#waiting.splice(this.#placeOf(pending.turn), 0, pending)
  }

  /** Puts items at the head. */
  putBack(again: readonly Pending<Item, Answer>[]): void {
    if (again.length === 0) return
    const first = this.#waiting[0]?.turn
    if (first !== undefined) for (const pending of again) pending.turn = Math.min(pending.turn, first)
    this.#waiting = again.concat(this.#waiting)
    for (const pending of again) this.#count(pending, 1)
  }

  /** Whether there is a batch of items that may go. */
  has(mayGo: (pending: Pending<Item, Answer>) => boolean): boolean {
    return this.#takeable().some(mayGo)
  }

  /** The first batch of items that may go; one item even if it is larger than a batch. */
  take(
    mayGo: (pending: Pending<Item, Answer>) => boolean,
    { itemsMax, bytesMax }: BatchBounds,
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
      bytes += this.#sizeBytes(pending.item)
      if (taken.length > 0 && bytes > bytesMax) break
      taken.push(pending)
      this.#turns.served(pending.turn)
      this.#count(pending, -1)
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
    for (const pending of taken) this.#count(pending, -1)
    return taken
  }

  #count({ client }: Pending<Item, Answer>, by: 1 | -1): void {
    if (client === undefined) return
    const count = this.waitingOf(client) + by
    if (count === 0) this.#counts.delete(client)
    else this.#counts.set(client, count)
  }

  /** Behind all of the same or an earlier turn. */
  #placeOf(turn: number): number {
    let [low, high] = [0, this.#waiting.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#waiting[middle]?.turn ?? 0) <= turn) low = middle + 1
      else high = middle
    }
    return low
  }

  #takeable(): readonly Pending<Item, Answer>[] {
    if (this.isFirstAlone) return this.#waiting.slice(0, 1)
    const end = this.#waiting.findIndex(({ alone }) => alone)
    return end < 0 ? this.#waiting : this.#waiting.slice(0, end)
  }
}
