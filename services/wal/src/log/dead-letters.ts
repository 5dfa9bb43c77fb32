import type { Unfinished } from './open-submissions.js'
import type { DeadLetter, DeadLetterPage } from './submission-log.js'

interface SetAside extends Unfinished {
  readonly reason: string
  readonly tries: number
  readonly setAsideAtMs: number
}

/** The submissions that replay could not finish for a reason of their own: kept until somebody redrives them. */
export class DeadLetters {
  readonly #letters = new Map<number, SetAside>()

  get count(): number {
    return this.#letters.size
  }

  has(sequence: number): boolean {
    return this.#letters.has(sequence)
  }

  sequences(): Iterable<number> {
    return this.#letters.keys()
  }

  add({ sequence, reason, tries }: DeadLetter, unfinished: Unfinished, setAsideAtMs: number): void {
    const { appendedAtMs, bodyBytes } = unfinished
    this.#letters.set(sequence, { appendedAtMs, bodyBytes, reason, tries, setAsideAtMs })
  }

  /** @returns what was set aside, undefined when it was not. */
  remove(sequence: number): Unfinished | undefined {
    const letter = this.#letters.get(sequence)
    this.#letters.delete(sequence)
    return letter
  }

  /** A page in the order of the log. */
  list(fromSequence: number, countMax: number): DeadLetterPage {
    const sequences = [...this.#letters.keys()]
      .filter((sequence) => sequence >= fromSequence)
      .sort((left, right) => left - right)
    const entries = sequences.slice(0, countMax).flatMap((sequence) => {
      const letter = this.#letters.get(sequence)
      if (!letter) return []
      const { reason, tries, appendedAtMs, setAsideAtMs } = letter
      return [{ deadLetter: { sequence, reason, tries }, appendedAtMs, setAsideAtMs }]
    })
    return { entries, nextFromSequence: sequences[countMax] ?? 0, deadLetterCount: this.count }
  }
}

const REASON_LENGTH_MAX = 256

/** What a log line or a terminal may show: one line of bounded length. */
export function printableReason(reason: string): string {
  return [...reason.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, ' ')].slice(0, REASON_LENGTH_MAX).join('')
}
