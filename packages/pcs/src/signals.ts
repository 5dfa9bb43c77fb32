import { round9 } from './canonical.js'
import type { Parameters } from './params.js'
import type { Regime } from './record.js'

/** Pairs of scales closer than this on the log2 axis give no slope. */
const abscissaDifferenceMin = 1e-9

/** The pairs of 64 scales. */
const scratchSlopes = 2016
const scratch = new Float64Array(scratchSlopes)

/**
 * The fractal dimension D̂: the upper median of the slopes of log2 max(1, count) on log2 scale over all pairs of
 * points (docs/contract.md, section 3), rounded to 9 decimals. Null when no pair is usable.
 *
 * @param scales each ≥ 1; each occurrence is a point
 * @param counts for each position of `scales`, ≥ 0
 */
export function fractalDimension(scales: readonly number[], counts: readonly number[]): number | null {
  const points = scales.length
  const x = new Float64Array(points)
  const y = new Float64Array(points)
  for (let i = 0; i < points; i++) {
    x[i] = Math.log2(scales[i] ?? 1)
    y[i] = Math.log2(Math.max(1, counts[i] ?? 0))
  }
  const pairs = (points * (points - 1)) / 2
  const slopes = pairs <= scratchSlopes ? scratch : new Float64Array(pairs)
  let usable = 0
  for (let i = 0; i < points; i++) {
    const xi = x[i] ?? 0
    const yi = y[i] ?? 0
    for (let j = i + 1; j < points; j++) {
      const run = (x[j] ?? 0) - xi
      if (Math.abs(run) < abscissaDifferenceMin) continue
      slopes[usable++] = ((y[j] ?? 0) - yi) / run
    }
  }
  if (usable === 0) return null
  // Adding 0 turns -0 into 0: the answer has no use for the sign of nothing.
  return round9(elementAt(slopes, usable, usable >>> 1)) + 0
}

/** Halvings after which a sort is the better bargain: slopes made so that quickselect hardly halves get no further. */
const partitionsMax = 32
const sortedWholeMax = 16

/** What stands at `rank` of the first `length` values once they are sorted; reorders them. No value is NaN. */
function elementAt(values: Float64Array, length: number, rank: number): number {
  let left = 0
  let right = length - 1
  for (let round = 0; right - left > sortedWholeMax && round < partitionsMax; round++) {
    const pivot = medianOfThree(values[left] ?? 0, values[(left + right) >>> 1] ?? 0, values[right] ?? 0)
    let i = left
    let j = right
    while (i <= j) {
      while ((values[i] ?? 0) < pivot) i++
      while ((values[j] ?? 0) > pivot) j--
      if (i > j) break
      const moved = values[i] ?? 0
      values[i++] = values[j] ?? 0
      values[j--] = moved
    }
    // Up to j nothing is above the pivot, from i on nothing below it, and between them it stands itself.
    if (rank <= j) right = j
    else if (rank >= i) left = i
    else return pivot
  }
  return values.subarray(left, right + 1).sort()[rank - left] ?? 0
}

function medianOfThree(a: number, b: number, c: number): number {
  return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c))
}

/** The regime that goes with a dimension and a coherence, both judged as signed (rounded to 9 decimals). */
export function regimeOf(D_hat: number, coh_star: number): Regime {
  const dimension = round9(D_hat)
  if (round9(coh_star) >= 0.7 && dimension <= 1.5) return 'sticky'
  return dimension >= 2.6 ? 'non_sticky' : 'mixed'
}

/** The budget that goes with three claimed floats, all judged as signed; in [0, 1], rounded to 9 decimals. */
export function budgetOf(
  D_hat: number,
  coh_star: number,
  r: number,
  params: Pick<Parameters, 'base' | 'alpha' | 'beta' | 'gamma' | 'd0'>,
): number {
  const sum =
    params.base +
    params.alpha * (1 - round9(r)) +
    params.beta * Math.max(0, round9(D_hat) - params.d0) +
    params.gamma * round9(coh_star)
  return round9(Math.min(1, Math.max(0, sum)))
}

/** How far a claimed float is from its recomputed one, as it is compared with a tolerance: equal passes. */
export function deviation(claimed: number, recomputed: number): number {
  return round9(Math.abs(round9(claimed) - recomputed))
}
