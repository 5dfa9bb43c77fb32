/** That a clock was right: earlier stamps beyond it count as this time. */
interface Confirmation {
  readonly sequence: number
  readonly timeMs: number
}

/**
 * What the records of a log are stamped with: never before an earlier one. A clock that is behind the last stamp when the
 * log is opened is carried on from there; only a clock that was confirmed may begin anew (contract, section 7).
 */
export class Stamps {
  readonly #confirmations: Confirmation[] = []
  #lastMs = 0
  #shiftMs = 0
  #restedMs = 0
  #unconfirmed = false

  /** When the log was opened its clock was far ahead of the last stamp, and nobody has confirmed it since. */
  get unconfirmed(): boolean {
    return this.#unconfirmed
  }

  /** How far the clock was ahead of the last stamp when the log was opened; 0 for an empty log. */
  get restedMs(): number {
    return this.#restedMs
  }

  /** 0 while the log is empty. */
  get lastMs(): number {
    return this.#lastMs
  }

  /** Takes the stamp of a record that is read back. */
  recovered(timeMs: number): void {
    if (timeMs > this.#lastMs) this.#lastMs = timeMs
  }

  /** All records are read back. */
  opened(nowMs: number): void {
    this.#shiftMs = Math.max(0, this.#lastMs - nowMs)
    this.#restedMs = this.#lastMs === 0 ? 0 : Math.max(0, nowMs - this.#lastMs)
  }

  /** What a record would be stamped with now. */
  at(nowMs: number): number {
    return Math.max(this.#lastMs, Math.floor(nowMs + this.#shiftMs))
  }

  /** The stamp of the records that are written now. */
  next(nowMs: number): number {
    this.#lastMs = this.at(nowMs)
    return this.#lastMs
  }

  doubt(): void {
    this.#unconfirmed = true
  }

  /** The clock was set right: the next stamp is its time, also where earlier ones are beyond it. */
  beginAnew(nowMs: number): void {
    this.#shiftMs = 0
    this.#lastMs = Math.floor(nowMs)
  }

  /** A record of the log says that its clock was right. */
  confirmed(sequence: number, timeMs: number): void {
    this.#confirmations.push({ sequence, timeMs })
    this.#unconfirmed = false
    if (this.#lastMs > timeMs && this.#shiftMs === 0) this.#lastMs = timeMs
  }

  /** The time of a record: its stamp, but not beyond a clock that was confirmed later. */
  timeOf(sequence: number, stampMs: number): number {
    let timeMs = stampMs
    for (const confirmation of this.#confirmations) {
      if (confirmation.sequence > sequence && confirmation.timeMs < timeMs) timeMs = confirmation.timeMs
    }
    return timeMs
  }
}
