/** What is remembered of a submission while it is not done. */
export interface Unfinished {
  readonly appendedAtMs: number
  readonly bodyBytes: number
}

interface OpenEntry extends Unfinished {
  /** Monotonic: neither the live request nor a lease holds the entry after this. */
  heldUntilMs: number
  /** Replays that failed for a reason of the entry's own. */
  tries: number
}

/** Positions of one block of OpenEntries. */
const BLOCK = 1_024

/**
 * The submissions that have no mark yet and are not set aside, oldest first. An entry is held by the live request
 * that brought it, later by the gateway that leased it, so that nobody works on it twice without need.
 *
 * Entries come and go with every submission. They are kept in blocks of the log, each a Map that is dropped as a
 * whole: in one Map for all, each table that V8 outgrows keeps its successors alive until the next full collection,
 * which was two thirds of all collecting while a log was read.
 */
export class OpenEntries {
  // Maps keep the order of insertion, which is the order of the log, but for entries that are driven again.
  readonly #blocks = new Map<number, Map<number, OpenEntry>>()
  #count = 0

  get count(): number {
    return this.#count
  }

  /** Wall clock of the oldest append, or undefined when nothing is open. */
  get oldestAppendedAtMs(): number | undefined {
    for (const [, { appendedAtMs }] of this.#inOrder()) return appendedAtMs
    return undefined
  }

  has(sequence: number): boolean {
    return this.#get(sequence) !== undefined
  }

  *sequences(): Iterable<number> {
    for (const [sequence] of this.#inOrder()) yield sequence
  }

  add(sequence: number, { appendedAtMs, bodyBytes }: Unfinished, heldUntilMs: number): void {
    const key = Math.floor(sequence / BLOCK)
    let block = this.#blocks.get(key)
    if (!block) {
      block = new Map()
      this.#blocks.set(key, block)
    }
    if (!block.has(sequence)) this.#count += 1
    block.set(sequence, { appendedAtMs, bodyBytes, heldUntilMs, tries: 0 })
  }

  /** @returns what was open, undefined when it was not. */
  close(sequence: number): Unfinished | undefined {
    const key = Math.floor(sequence / BLOCK)
    const block = this.#blocks.get(key)
    const entry = block?.get(sequence)
    if (!block || !entry) return undefined
    block.delete(sequence)
    this.#count -= 1
    if (block.size === 0) this.#blocks.delete(key)
    return entry
  }

  /** @returns how many tries have failed by now; 0 when the entry is not open. */
  countFailure(sequence: number): number {
    const entry = this.#get(sequence)
    if (!entry) return 0
    entry.tries += 1
    return entry.tries
  }

  /** Takes up to entriesMax entries that nobody holds, oldest first, and holds them until leaseUntilMs. */
  lease(entriesMax: number, nowMs: number, leaseUntilMs: number): number[] {
    const leased: number[] = []
    for (const [sequence, entry] of this.#inOrder()) {
      if (leased.length >= entriesMax) break
      if (entry.heldUntilMs > nowMs) continue
      entry.heldUntilMs = leaseUntilMs
      leased.push(sequence)
    }
    return leased
  }

  #get(sequence: number): OpenEntry | undefined {
    return this.#blocks.get(Math.floor(sequence / BLOCK))?.get(sequence)
  }

  *#inOrder(): Iterable<[number, OpenEntry]> {
    for (const block of this.#blocks.values()) yield* block
  }
}
