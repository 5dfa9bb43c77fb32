const CAPACITY_FIRST = 16_384

/** Every measured time, kept whole: a run of seconds has some ten thousands, so nothing need be put into buckets. */
export class Latencies {
  #valuesMs: Float64Array
  #count = 0

  constructor() {
    this.#valuesMs = new Float64Array(CAPACITY_FIRST)
  }

  get count(): number {
    return this.#count
  }

  add(ms: number): void {
    if (this.#count === this.#valuesMs.length) {
      const larger = new Float64Array(this.#count * 2)
      larger.set(this.#valuesMs)
      this.#valuesMs = larger
    }
    this.#valuesMs[this.#count++] = ms
  }

  /** Those that were added as the `first` one (from 0) and later, before the `end` one. */
  slice(first: number, end: number): Latencies {
    const part = new Latencies()
    for (const ms of this.#valuesMs.subarray(first, Math.min(end, this.#count))) part.add(ms)
    return part
  }

  addAll(other: Latencies): void {
    for (const ms of other.#valuesMs.subarray(0, other.#count)) this.add(ms)
  }

  /** The smallest value that at least this share of all values does not exceed; NaN when there is none. */
  quantilesMs(shares: readonly number[]): number[] {
    const sorted = this.#valuesMs.slice(0, this.#count).sort()
    return shares.map((share) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN)
  }
}
