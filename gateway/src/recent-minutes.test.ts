import { describe, expect, it } from 'vitest'
import { quantileMs, RecentMinutes, SAMPLES_MAX } from './recent-minutes.js'

const buckets = (...counts: readonly number[]) =>
  [0.01, 0.1, Number.POSITIVE_INFINITY].map((leSeconds, index) => ({ leSeconds, count: counts[index] ?? 0 }))

const look = (seconds: number, answered: number, durations = buckets(answered, answered, answered)) => ({
  ...{ monotonicMs: seconds * 1_000, wallMs: 1_700_000_000_000, open: 3 },
  ...{ answered, refused: answered / 2, failed: 0, durations },
})

describe('the last minutes', () => {
  it('are rates and latencies between two looks', () => {
    const minutes = new RecentMinutes()
    minutes.add(look(0, 100))
    expect(minutes.samples).toEqual([])
    minutes.add(look(5, 200, buckets(100, 200, 200)))
    expect(minutes.samples).toMatchObject([
      { answeredPerSecond: 20, refusedPerSecond: 10, failedPerSecond: 0, open: 3, p50Ms: expect.closeTo(55) },
    ])
    minutes.add(look(15, 200, buckets(100, 200, 200)))
    expect(minutes.samples[1]).toMatchObject({ answeredPerSecond: 0, p50Ms: undefined, p95Ms: undefined })
  })

  it('are no more than so many', () => {
    const minutes = new RecentMinutes()
    for (let second = 0; second < 3 * SAMPLES_MAX; second += 1) minutes.add(look(second, second))
    expect(minutes.samples).toHaveLength(SAMPLES_MAX)
  })
})

describe('a quantile', () => {
  it.each([
    ['within a bucket', buckets(0, 100, 100), 0.5, 55],
    ['in the first one', buckets(100, 100, 100), 0.5, 5],
    ['beyond the last bound, which is all that is known', buckets(0, 0, 10), 0.95, 100],
    ['of nothing', buckets(0, 0, 0), 0.5, undefined],
  ] as const)('%s', (_name, counted, share, ms) => {
    expect(quantileMs(counted, share)).toEqual(ms === undefined ? undefined : expect.closeTo(ms))
  })
})
