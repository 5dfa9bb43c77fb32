import { type Answer, json } from '../../src/client.js'

/** A time in which a 503 may be answered, and what it may say. Times are of performance.now(). */
interface Outage {
  readonly fromMs: number
  toMs: number
  readonly says: RegExp
}

/** The 503 of a test, and where the contract allows them: each other one is a finding. */
export class AllowedOutages {
  readonly #outages: Outage[] = []
  readonly #refusals: { readonly atMs: number; readonly detail: string }[] = []

  /** For each load. */
  readonly note = (answer: Answer): void => {
    const { detail } = json(answer) as { readonly detail: string }
    this.#refusals.push({ atMs: performance.now(), detail })
  }

  /** From now until so much later. */
  for(says: RegExp, lastsMs: number): void {
    const fromMs = performance.now()
    this.#outages.push({ fromMs, toMs: fromMs + lastsMs, says })
  }

  /** From now until what is returned is called, and so much later. */
  begin(says: RegExp): (lastsMs: number) => void {
    const outage = { fromMs: performance.now(), toMs: Number.POSITIVE_INFINITY, says }
    this.#outages.push(outage)
    return (lastsMs) => {
      outage.toMs = performance.now() + lastsMs
    }
  }

  /** How many there were, the allowed ones too. */
  get count(): number {
    return this.#refusals.length
  }

  /** Those that are not allowed: how often each sentence was answered, and when, in ms after the outage before it. */
  get strays(): readonly string[] {
    const strays = this.#refusals.filter(
      ({ atMs, detail }) =>
        !this.#outages.some(({ fromMs, toMs, says }) => fromMs <= atMs && atMs <= toMs && says.test(detail)),
    )
    return strays.slice(0, 10).map(({ atMs, detail }) => {
      const begun = this.#outages.filter(({ fromMs }) => fromMs <= atMs).at(-1)
      return `${Math.round(atMs - (begun?.fromMs ?? atMs))} ms after ${begun?.says ?? 'the start'}: ${detail}`
    })
  }
}
