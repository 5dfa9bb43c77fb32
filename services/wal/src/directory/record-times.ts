/** A stamp this far ahead of the clock is a mistake of the clock that made it. */
const AHEAD_MS = 86_400_000

/**
 * The time of each record as retention takes it: its stamp, but never before a record that was written earlier.
 * So a wall clock that jumped back makes nothing older than it is; one that jumped ahead keeps what it stamped.
 */
export class RecordTimes {
  #latestMs: number
  readonly #now: () => number

  /** @param latestMs the latest of the records before. */
  constructor(now: () => number, latestMs = 0) {
    this.#now = now
    this.#latestMs = latestMs
  }

  get latestMs(): number {
    return this.#latestMs
  }

  /** Earlier times beyond this one count as this one. */
  notBeyond(timeMs: number): void {
    this.#latestMs = Math.min(this.#latestMs, timeMs)
  }

  /** To be called in the order of the log. */
  next(stampMs: number): number {
    // what was found possible before still is: the clock need not be asked for each record of a log
    if (stampMs <= this.#latestMs) return this.#latestMs
    if (stampMs > this.#now() + AHEAD_MS) return stampMs
    this.#latestMs = Math.max(this.#latestMs, stampMs)
    return this.#latestMs
  }
}
