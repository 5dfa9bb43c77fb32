/** What is remembered of a submission while it is not done. */
export interface Unfinished {
  readonly appendedAtMs: number
  readonly bodyBytes: number
}

/** How much is leased at once. */
export interface LeaseLimits {
  readonly countMax: number
  /** Of the bodies together. */
  readonly bytesMax: number
}

interface OpenSubmission extends Unfinished {
  /** Monotonic: until then the live request or a lease has it. */
  leasedUntilMs: number
  /** Replays that failed for a reason of its own. */
  tries: number
}

/** Positions of one block. */
const BLOCK = 1_024

/**
 * The submissions that have no mark yet and are not set aside, oldest first. Each is leased to the live request that
 * brought it, later to the gateway that asked for it, so that nobody works on it twice without need.
 *
 * One comes and goes with every submission. They are kept in blocks of the log, each a Map that is dropped as a
 * whole: in one Map for all, each table that V8 outgrows keeps its successors alive until the next full collection,
 * which was two thirds of all collecting while a log was read.
 */
export class OpenSubmissions {
  // Maps keep the order of insertion, which is the order of the log, but for those that are redriven.
  readonly #blocks = new Map<number, Map<number, OpenSubmission>>()
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

  add(sequence: number, { appendedAtMs, bodyBytes }: Unfinished, leasedUntilMs: number): void {
    const key = Math.floor(sequence / BLOCK)
    let block = this.#blocks.get(key)
    if (!block) {
      block = new Map()
      this.#blocks.set(key, block)
    }
    if (!block.has(sequence)) this.#count += 1
    block.set(sequence, { appendedAtMs, bodyBytes, leasedUntilMs, tries: 0 })
  }

  /** @returns what was open, undefined when it was not. */
  close(sequence: number): Unfinished | undefined {
    const key = Math.floor(sequence / BLOCK)
    const block = this.#blocks.get(key)
    const open = block?.get(sequence)
    if (!block || !open) return undefined
    block.delete(sequence)
    this.#count -= 1
    if (block.size === 0) this.#blocks.delete(key)
    return open
  }

  /** Lets a lease end at this time, unless it ends before. */
  endLease(sequence: number, atMs: number): void {
    const open = this.#get(sequence)
    if (open) open.leasedUntilMs = Math.min(open.leasedUntilMs, atMs)
  }

  /** @returns how many tries have failed by now; 0 when it is not open. */
  countFailure(sequence: number, more: 0 | 1 = 1): number {
    const open = this.#get(sequence)
    if (!open) return 0
    open.tries += more
    return open.tries
  }

  /** Leases those that are free, oldest first, until leaseUntilMs: up to countMax, with bodies up to bytesMax, or one. */
  lease({ countMax, bytesMax }: LeaseLimits, nowMs: number, leaseUntilMs: number): number[] {
    const leased: number[] = []
    let bytes = 0
    for (const [sequence, open] of this.#inOrder()) {
      if (leased.length >= countMax) break
      if (open.leasedUntilMs > nowMs) continue
      bytes += open.bodyBytes
      if (leased.length > 0 && bytes > bytesMax) break
      open.leasedUntilMs = leaseUntilMs
      leased.push(sequence)
    }
    return leased
  }

  #get(sequence: number): OpenSubmission | undefined {
    return this.#blocks.get(Math.floor(sequence / BLOCK))?.get(sequence)
  }

  *#inOrder(): Iterable<[number, OpenSubmission]> {
    for (const block of this.#blocks.values()) yield* block
  }
}
