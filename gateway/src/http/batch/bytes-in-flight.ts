/** The bytes of all batches that are in hand together. */
export class BytesInFlight {
  readonly #bytesMax: number
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get bytes(): number {
    return this.#bytes
  }

  hasRoomFor(bytes: number): boolean {
    return this.#bytes + bytes <= this.#bytesMax
  }

  /** The share of one batch: nothing at first. */
  hold(): HeldBytes {
    return new HeldBytes((bytes) => {
      if (bytes > 0 && !this.hasRoomFor(bytes)) return false
      this.#bytes += bytes
      return true
    })
  }
}

/** What one batch holds of them. */
export class HeldBytes {
  readonly #change: (bytes: number) => boolean
  #bytes = 0

  constructor(change: (bytes: number) => boolean) {
    this.#change = change
  }

  /** @returns false where there is no room: nothing was taken */
  take(bytes: number): boolean {
    if (!this.#change(bytes)) return false
    this.#bytes += bytes
    return true
  }

  /** Gives all of it back. What is called again does nothing. */
  release(): void {
    this.#change(-this.#bytes)
    this.#bytes = 0
  }
}
