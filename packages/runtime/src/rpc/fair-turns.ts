/**
 * In which order the items of several clients are served: start-time fair queueing (Goyal, Vin, Cheng 1996). Each
 * client's items follow one another in a time that is counted in bytes, so whoever sends much or large ones waits
 * behind its own, and the others do not wait behind it.
 */
export class FairTurns {
  /** The turn of what was served last. */
  #now = 0
  /** When a client's last item ends; clients whose items are over begin with what is served now. */
  readonly #ends = new Map<string, number>()
  readonly #clientsMax: number

  /** @param clientsMax how many are remembered before those whose items are over are forgotten */
  constructor(clientsMax = 1_024) {
    this.#clientsMax = clientsMax
  }

  /** The turn of a client's next item: items are served by rising turns, and equal ones as they came. */
  next(client: string, sizeBytes: number): number {
    const turn = Math.max(this.#now, this.#ends.get(client) ?? 0)
    this.#ends.set(client, turn + sizeBytes)
    if (this.#ends.size > this.#clientsMax) this.#forgetOver()
    return turn
  }

  served(turn: number): void {
    if (turn > this.#now) this.#now = turn
  }

  /** Nothing waits: all begin anew. */
  clear(): void {
    this.#now = 0
    this.#ends.clear()
  }

  #forgetOver(): void {
    for (const [client, end] of this.#ends) if (end <= this.#now) this.#ends.delete(client)
  }
}
