const BITS_PER_CHUNK = 2 ** 15

/** Positions of the log, one bit for each where there are any: a log has many records, and these must all be known. */
export class SequenceSet {
  readonly #chunks = new Map<number, Uint8Array>()

  add(sequence: number): void {
    const key = Math.floor(sequence / BITS_PER_CHUNK)
    let chunk = this.#chunks.get(key)
    if (!chunk) {
      chunk = new Uint8Array(BITS_PER_CHUNK / 8)
      this.#chunks.set(key, chunk)
    }
    const bit = sequence % BITS_PER_CHUNK
    chunk[bit >> 3] = (chunk[bit >> 3] ?? 0) | (1 << (bit & 7))
  }

  has(sequence: number): boolean {
    const chunk = this.#chunks.get(Math.floor(sequence / BITS_PER_CHUNK))
    const bit = sequence % BITS_PER_CHUNK
    return (((chunk?.[bit >> 3] ?? 0) >> (bit & 7)) & 1) === 1
  }

  addAll(other: SequenceSet): void {
    for (const [key, bits] of other.#chunks) {
      const chunk = this.#chunks.get(key)
      if (!chunk) this.#chunks.set(key, Uint8Array.from(bits))
      else
        for (let index = 0; index < bits.length; index++)
          chunk[index] = (chunk[index] ?? 0) | (bits[index] ?? 0)
    }
  }

  /** Gives the memory back of positions below that one, in whole chunks. */
  forgetBefore(sequence: number): void {
    const first = Math.floor(sequence / BITS_PER_CHUNK)
    for (const key of this.#chunks.keys()) if (key < first) this.#chunks.delete(key)
  }
}
