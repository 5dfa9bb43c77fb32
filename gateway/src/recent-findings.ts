/** What is told of a submission that was refused, escalated or failed. */
export interface Finding {
  readonly what: 'refused' | 'escalated' | 'failed'
  readonly status: number
  /** Of a short fixed list: the code of a problem, or the reason of an escalation. */
  readonly reason: string
  /** The problem's sentence. */
  readonly detail?: string
}

/** One of them; all of it has been validated, or was made here. */
export interface Example {
  readonly wallMs: number
  readonly requestId: string | undefined
  /** Of a record whose signature has verified. */
  readonly pcsId: string | undefined
  /** Of a trace that is recorded. */
  readonly traceId: string | undefined
}

export interface FindingsOfReason extends Pick<Finding, 'what' | 'status' | 'reason'> {
  /** Since the start of the process. */
  readonly total: number
  /** Since the oldest tick that is remembered. */
  readonly recent: number
  readonly last: Example
}

interface Tally extends Pick<Finding, 'what' | 'status' | 'reason'> {
  total: number
  last: Example
  /** The total at each tick, the oldest first. */
  readonly atTicks: number[]
}

/** Counts of findings and the last one of each reason: as many entries as the code has reasons, whatever comes. */
export class RecentFindings {
  readonly #ticksMax: number
  readonly #tallies = new Map<string, Tally>()
  #ticks = 0

  /** @param ticksMax how far `recent` looks back */
  constructor(ticksMax: number) {
    this.#ticksMax = ticksMax
  }

  add({ what, status, reason }: Finding, last: Example): void {
    const known = this.#tallies.get(reason)
    if (known) {
      known.total += 1
      known.last = last
    } else this.#tallies.set(reason, { what, status, reason, total: 1, last, atTicks: [] })
  }

  /** To be called at regular intervals. */
  tick(): void {
    this.#ticks = Math.min(this.#ticks + 1, this.#ticksMax)
    for (const { atTicks, total } of this.#tallies.values()) {
      atTicks.push(total)
      if (atTicks.length > this.#ticksMax) atTicks.shift()
    }
  }

  /** The newest first. */
  list(): readonly FindingsOfReason[] {
    return [...this.#tallies.values()]
      .map(({ atTicks, ...tally }) => {
        // One that came up after the oldest tick had none then.
        const before = atTicks.length < this.#ticks || this.#ticks < this.#ticksMax ? 0 : (atTicks[0] ?? 0)
        return { ...tally, recent: tally.total - before }
      })
      .sort((one, other) => other.last.wallMs - one.last.wallMs)
  }
}
