import { describe, expect, it } from 'vitest'
import { seededRandom } from '../testing/random.js'
import { signalVectors } from '../testing/vectors.js'
import { round9 } from './canonical.js'
import { defaultParameters } from './params.js'
import { countsOfScales } from './record.js'
import { budgetOf, deviation, fractalDimension, regimeOf } from './signals.js'

/** The definition of section 3, word for word. */
function byDefinition(scales: readonly number[], counts: readonly number[]): number | null {
  const points = scales.map((scale, i) => [Math.log2(scale), Math.log2(Math.max(1, counts[i] ?? 0))] as const)
  const slopes = points.flatMap(([x1, y1], i) =>
    points
      .slice(i + 1)
      .filter(([x2]) => Math.abs(x2 - x1) >= 1e-9)
      .map(([x2, y2]) => (y2 - y1) / (x2 - x1)),
  )
  slopes.sort((a, b) => a - b)
  const median = slopes[Math.floor(slopes.length / 2)]
  return median === undefined ? null : round9(median) + 0
}

describe('fractalDimension', () => {
  it.each(signalVectors.D_hat)('is the vector: $D_hat', ({ scales, N_j, D_hat }) => {
    const counts = countsOfScales({ scales, N_j: new Map(Object.entries(N_j)) })
    expect(fractalDimension(scales, counts)).toBe(D_hat)
  })

  it.each([
    ['equal scales', [2, 2, 2], [1, 5, 9]],
    ['scales whose logarithms are equal', [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER - 1], [1, 9]],
    ['one point', [2], [1]],
    ['no points', [], []],
  ])('is null for %s', (_name, scales, counts) => {
    expect(fractalDimension(scales, counts)).toBeNull()
  })

  it('is 0 and never -0', () => {
    expect(fractalDimension([4, 2], [7, 7])).toBe(0)
    expect(fractalDimension([2 ** 50, 1], [1, 1])).toBe(0)
  })

  it('takes counts of 0 as 1', () => {
    expect(fractalDimension([2, 4], [0, 4])).toBe(2)
  })

  const random = seededRandom(64)
  const shapes: [string, (i: number, points: number) => [scale: number, count: number]][] = [
    ['random', () => [1 + Math.floor(random() * 4000), Math.floor(random() * 1e6)]],
    ['all slopes equal', (i) => [2 ** (i % 50), 2 ** (i % 50)]],
    ['few different slopes', (i) => [1 + (i % 7), 1 + (i % 3)]],
    ['rising', (i) => [i + 1, (i + 1) ** 3]],
    ['falling', (i, points) => [points - i, (points - i) ** 2]],
    ['organ pipe', (i, points) => [i + 1, 1 + Math.min(i, points - i) ** 4]],
    ['alternating', (i) => [i + 1, i % 2 === 0 ? 1 : 2 ** 52]],
    ['huge', () => [Math.floor(2 ** (random() * 53)) || 1, Math.floor(2 ** (random() * 53))]],
  ]
  it.each(shapes)('is the element that sorting would find: %s', (_name, point) => {
    for (const size of [2, 3, 5, 6, 7, 8, 16, 33, 64, 70]) {
      for (let round = 0; round < 5; round++) {
        const points = Array.from({ length: size }, (_, i) => point(i, size))
        const scales = points.map(([scale]) => scale)
        const counts = points.map(([, count]) => count)
        expect(fractalDimension(scales, counts)).toBe(byDefinition(scales, counts))
      }
    }
  })
})

describe('regimeOf and budgetOf', () => {
  it.each(signalVectors.budget_and_regime)('are the vector: $D_hat $coh_star $r', (vector) => {
    expect(regimeOf(vector.D_hat, vector.coh_star)).toBe(vector.regime)
    expect(budgetOf(vector.D_hat, vector.coh_star, vector.r, defaultParameters)).toBe(vector.budget)
  })

  it.each([
    [1.5, 0.7, 'sticky'],
    [1.5000000004, 0.6999999996, 'sticky'],
    [1.5000000005, 0.7, 'mixed'],
    [1.5, 0.6999999994, 'mixed'],
    [2.5999999994, 0.7, 'mixed'],
    [2.5999999995, 0.7, 'non_sticky'],
    [2.6, 0, 'non_sticky'],
    [-1e300, 0.7, 'sticky'],
    [1e300, 0.9, 'non_sticky'],
  ])('judge as signed: D̂ %d, coh★ %d is %s', (D_hat, coh_star, regime) => {
    expect(regimeOf(D_hat, coh_star)).toBe(regime)
  })

  it.each([
    [0.5, 0, 1, 0.1],
    [0.5, 0, 100, 0],
    [0.5, 0, -100, 1],
    [1e308, 1e308, -1e308, 1],
    [2.2, 0, 1, 0.1],
    [2.3, 0, 1, 0.15],
    [0, 0.00000000049, 1, 0.1],
  ])('clamp to [0, 1]: D̂ %d, coh★ %d, r %d gives %d', (D_hat, coh_star, r, budget) => {
    expect(budgetOf(D_hat, coh_star, r, defaultParameters)).toBe(budget)
  })

  it('judge the budget as signed', () => {
    const steep = { base: 0, alpha: 10, beta: 10, gamma: 10, d0: 1 }
    expect(budgetOf(1.00000000049, 0, 1, steep)).toBe(0)
    expect(budgetOf(1, 0.00000000049, 1, steep)).toBe(0)
    expect(budgetOf(1, 0, 0.99999999951, steep)).toBe(0)
  })

  it('take other parameters', () => {
    expect(budgetOf(3, 0.5, 0.5, { base: 0.01, alpha: 0.02, beta: 0.03, gamma: 0.04, d0: 1 })).toBe(0.1)
  })
})

describe('deviation', () => {
  it.each([
    [1.016733469, 0.866733469, 0.15],
    [0.866733469, 1.016733469, 0.15],
    [0.3, 0.1 + 0.2, 0],
    [0.30000000049, 0.3, 0],
    [0.3000000005, 0.3, 1e-9],
  ])('between %d and %d is %d', (claimed, recomputed, difference) => {
    expect(deviation(claimed, recomputed)).toBe(difference)
  })
})
