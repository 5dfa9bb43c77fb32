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

/**
 * The submissions that have no mark yet and are not set aside, oldest first. An entry is held by the live request
 * that brought it, later by the gateway that leased it, so that nobody works on it twice without need.
 */
export class OpenEntries {
  // A Map keeps the order of insertion, which is the order of the log, but for entries that are driven again.
  readonly #entries = new Map<number, OpenEntry>()

  get count(): number {
    return this.#entries.size
  }

  /** Wall clock of the oldest append, or undefined when nothing is open. */
  get oldestAppendedAtMs(): number | undefined {
    for (const { appendedAtMs } of this.#entries.values()) return appendedAtMs
    return undefined
  }

  has(sequence: number): boolean {
    return this.#entries.has(sequence)
  }

  sequences(): Iterable<number> {
    return this.#entries.keys()
  }

  add(sequence: number, entry: Unfinished, heldUntilMs: number): void {
    const { appendedAtMs, bodyBytes } = entry
    this.#entries.set(sequence, { appendedAtMs, bodyBytes, heldUntilMs, tries: 0 })
  }

  /** @returns what was open, undefined when it was not. */
  close(sequence: number): Unfinished | undefined {
    const entry = this.#entries.get(sequence)
    this.#entries.delete(sequence)
    return entry
  }

  /** @returns how many tries have failed by now; 0 when the entry is not open. */
  countFailure(sequence: number): number {
    const entry = this.#entries.get(sequence)
    if (!entry) return 0
    entry.tries += 1
    return entry.tries
  }

  /** Takes up to entriesMax entries that nobody holds, oldest first, and holds them until leaseUntilMs. */
  lease(entriesMax: number, nowMs: number, leaseUntilMs: number): number[] {
    const leased: number[] = []
    for (const [sequence, entry] of this.#entries) {
      if (leased.length >= entriesMax) break
      if (entry.heldUntilMs > nowMs) continue
      entry.heldUntilMs = leaseUntilMs
      leased.push(sequence)
    }
    return leased
  }
}
