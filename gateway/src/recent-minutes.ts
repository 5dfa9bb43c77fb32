import type { SubmissionTotals } from './submission-metrics.js'

export const SAMPLE_EVERY_MS = 5_000
/** Five minutes. */
export const SAMPLES_MAX = 60

/** What went on between two looks. Undefined is what cannot be known: the latency of nothing, a log that is down. */
export interface Sample {
  readonly wallMs: number
  readonly answeredPerSecond: number
  /** 4xx */
  readonly refusedPerSecond: number
  /** 5xx */
  readonly failedPerSecond: number
  readonly p50Ms: number | undefined
  readonly p95Ms: number | undefined
  /** Submissions without a mark, in all logs. */
  readonly open: number | undefined
}

/** The totals at one moment. */
export interface Look extends SubmissionTotals {
  readonly monotonicMs: number
  readonly wallMs: number
  readonly open: number | undefined
}

/** The last minutes, as rates and latencies: a bounded ring. */
export class RecentMinutes {
  readonly #samples: Sample[] = []
  #last: Look | undefined

  /** The oldest first. */
  get samples(): readonly Sample[] {
    return this.#samples
  }

  add(look: Look): void {
    const last = this.#last
    this.#last = look
    if (!last) return
    this.#samples.push(sampleOf(last, look))
    if (this.#samples.length > SAMPLES_MAX) this.#samples.shift()
  }
}

function sampleOf(last: Look, look: Look): Sample {
  const seconds = Math.max(0.001, (look.monotonicMs - last.monotonicMs) / 1_000)
  const added = look.durations.map(({ leSeconds, count }, index) => ({
    leSeconds,
    count: count - (last.durations[index]?.count ?? 0),
  }))
  return {
    wallMs: look.wallMs,
    answeredPerSecond: (look.answered - last.answered) / seconds,
    refusedPerSecond: (look.refused - last.refused) / seconds,
    failedPerSecond: (look.failed - last.failed) / seconds,
    p50Ms: quantileMs(added, 0.5),
    p95Ms: quantileMs(added, 0.95),
    open: look.open,
  }
}

/**
 * As Prometheus reckons it: evenly spread within a bucket.
 * @param buckets how many took up to so long, rising, the last one without an end; undefined where there are none
 */
export function quantileMs(
  buckets: readonly { readonly leSeconds: number; readonly count: number }[],
  share: number,
): number | undefined {
  const total = buckets.at(-1)?.count ?? 0
  if (total === 0) return undefined
  const rank = share * total
  const index = buckets.findIndex(({ count }) => count >= rank)
  const lower = buckets[index - 1] ?? { leSeconds: 0, count: 0 }
  const upper = buckets[index]
  // Beyond the last bound nothing is known but that.
  if (!upper || upper.leSeconds === Number.POSITIVE_INFINITY) return lower.leSeconds * 1_000
  const within = (rank - lower.count) / (upper.count - lower.count)
  return (lower.leSeconds + within * (upper.leSeconds - lower.leSeconds)) * 1_000
}
