interface OpenEntry {
  readonly appendedAtMs: number
  /** Monotonic: neither the live request nor a lease holds the entry after this. */
  heldUntilMs: number
}

/**
 * The submissions that have no mark yet, oldest first. An entry is held by the live request that brought it,
 * later by the gateway that leased it, so that nobody works on it twice without need.
 */
export class OpenEntries {
  // A Map keeps the order of insertion, which is the order of the log.
  readonly #entries = new Map<number, OpenEntry>()

  get count(): number {
    return this.#entries.size
  }

  /** Wall clock of the oldest append, or undefined when nothing is open. */
  get oldestAppendedAtMs(): number | undefined {
    for (const { appendedAtMs } of this.#entries.values()) return appendedAtMs
    return undefined
  }

  add(sequence: number, appendedAtMs: number, heldUntilMs: number): void {
    this.#entries.set(sequence, { appendedAtMs, heldUntilMs })
  }

  close(sequence: number): void {
    this.#entries.delete(sequence)
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
