import type { Gate, SeenSecond } from '../run/generated.js'
import type { Sample } from '../run/sampler.js'

/** A shorter run says nothing of what only time shows. */
const SECONDS_MIN = 600
/** Left out at the beginning: caches fill, compilers settle. Of an hour the last 45 minutes are left. */
const SETTLING_SHARE = 0.25
const GROWTH_MAX = 0.02
const P95_RATIO_MAX = 1.1

/** What an hour must show: memory and descriptors do not grow, and p95 stays where it was. None for a short run. */
export function soakGates(samples: readonly Sample[], seen: readonly SeenSecond[]): readonly Gate[] {
  if ((samples.at(-1)?.second ?? 0) < SECONDS_MIN) return []
  const settled = samples.slice(Math.floor(samples.length * SETTLING_SHARE))
  const names = [...new Set(settled.flatMap(({ memoryMiB }) => Object.keys(memoryMiB)))]
  const growths = names.flatMap((name) =>
    (['memoryMiB', 'descriptors'] as const).map((figure) => {
      const points = settled.flatMap((sample) => {
        const value = sample[figure][name]
        return value === undefined ? [] : [[sample.second, value] as const]
      })
      const growth = growthOf(points)
      const what = figure === 'memoryMiB' ? 'memory' : 'descriptors'
      return {
        name: `${what} of ${name} at rest`,
        limit: `a slope below ${100 * GROWTH_MAX} %: ${(100 * growth).toFixed(2)} %`,
        holds: growth < GROWTH_MAX,
      }
    }),
  )
  const quiet = seen.slice(Math.floor(seen.length * SETTLING_SHARE))
  const third = Math.floor(quiet.length / 3)
  const ratio = meanP95(quiet.slice(-third)) / meanP95(quiet.slice(0, third))
  const p95 = {
    name: 'p95 at the end as at the beginning',
    limit: `at most ${P95_RATIO_MAX}: ${ratio.toFixed(2)}`,
    holds: ratio <= P95_RATIO_MAX,
  }
  return [...growths, p95]
}

/** What the line of least squares gains from its beginning to its end, as a share of the mean. */
export function growthOf(points: readonly (readonly [number, number])[]): number {
  const mean = (of: (point: readonly [number, number]) => number): number =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length
  const [xMean, yMean] = [mean(([x]) => x), mean(([, y]) => y)]
  const spread = mean(([x]) => (x - xMean) ** 2)
  const slope = mean(([x, y]) => (x - xMean) * (y - yMean)) / spread
  const span = (points.at(-1)?.[0] ?? 0) - (points[0]?.[0] ?? 0)
  return (slope * span) / yMean
}

function meanP95(seconds: readonly SeenSecond[]): number {
  return seconds.reduce((sum, { p95Ms }) => sum + p95Ms, 0) / seconds.length
}
