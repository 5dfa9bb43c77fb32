/** Upper bound in seconds → observations up to it, as Prometheus counts them. */
export type Buckets = ReadonlyMap<number, number>

/** From the label `le` of a histogram's buckets. */
export function bucketsOf(byLe: ReadonlyMap<string, number>): Buckets {
  return new Map(
    [...byLe].map(([le, count]) => [le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le), count] as const),
  )
}

/** What came between two readings. */
export function bucketsBetween(before: Buckets, after: Buckets): Buckets {
  return new Map([...after].map(([le, count]) => [le, count - (before.get(le) ?? 0)]))
}

/**
 * A quantile in milliseconds, as PromQL's histogram_quantile reads it: evenly spread within a bucket. Undefined where there
 * was nothing; the highest bound where it lies beyond it.
 */
export function quantileMs(buckets: Buckets, share: number): number | undefined {
  const sorted = [...buckets].sort(([a], [b]) => a - b)
  const total = sorted.at(-1)?.[1] ?? 0
  if (total <= 0) return undefined
  let [below, lower] = [0, 0]
  for (const [upper, count] of sorted) {
    if (count >= share * total) {
      if (!Number.isFinite(upper)) return lower * 1_000
      const within = count === below ? 1 : (share * total - below) / (count - below)
      return (lower + (upper - lower) * within) * 1_000
    }
    below = count
    lower = upper
  }
  return undefined
}
