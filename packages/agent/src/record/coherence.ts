import { round9 } from '@fractal-lba/pcs'
import type { Points } from './csv.js'
import { GaussianSource } from './gaussian.js'

const DIRECTIONS = 100
const BINS = 20
/** Projections closer together than this count as one place. */
const SPREAD_MIN = 1e-9

export type Direction = readonly [x: number, y: number, z: number]

/** coh★, rounded to 9 decimals, and the direction in which it was found, not rounded. */
export interface Coherence {
  readonly cohStar: number
  readonly vStar: Direction
}

/**
 * Of 100 directions the first with the largest share of the points in one of 20 bins of their projections
 * (the contract, section 3). No points give 0 and a zero vector.
 */
export function coherence(points: Points, seed: number): Coherence {
  if (points.x.length === 0) return { cohStar: 0, vStar: [0, 0, 0] }
  const gaussians = new GaussianSource(seed)
  const projections = new Float64Array(points.x.length)
  let best = 0
  let vStar: Direction = [0, 0, 0]
  for (let i = 0; i < DIRECTIONS; i++) {
    const direction = nextDirection(gaussians)
    project(points, direction, projections)
    const share = fullestShare(projections)
    if (share > best) {
      best = share
      vStar = direction
    }
  }
  return { cohStar: round9(best), vStar }
}

function nextDirection(gaussians: GaussianSource): Direction {
  const x = gaussians.next()
  const y = gaussians.next()
  const z = gaussians.next()
  const length = Math.sqrt(x * x + y * y + z * z)
  return [x / length, y / length, z / length]
}

function project({ x, y, z }: Points, [vx, vy, vz]: Direction, into: Float64Array): void {
  for (let i = 0; i < into.length; i++) {
    into[i] = (x[i] ?? 0) * vx + (y[i] ?? 0) * vy + (z[i] ?? 0) * vz
  }
}

function fullestShare(projections: Float64Array): number {
  let min = Number.POSITIVE_INFINITY
  let max = Number.NEGATIVE_INFINITY
  for (const p of projections) {
    if (p < min) min = p
    if (p > max) max = p
  }
  const spread = max - min
  if (spread < SPREAD_MIN) return 1
  const counts = new Uint32Array(BINS)
  for (const p of projections) {
    const bin = Math.min(BINS - 1, Math.floor(((p - min) * BINS) / spread))
    counts[bin] = (counts[bin] ?? 0) + 1
  }
  return Math.max(...counts) / projections.length
}
