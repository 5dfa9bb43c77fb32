// Records that the default parameters accept: consistent in themselves, each with an id of its own, about 750 bytes.
import crypto from 'k6/crypto'
import { pcsId, round9, sign } from './canonical.js'

const SCALES = [2, 4, 8, 16, 32, 64, 128, 256]
const SHARDS = 64
const SHAPES = 32

/** Cell counts of many dimensions, with what must be claimed of each: worked out once, not for each record. */
const shapes = Array.from({ length: SHAPES }, (_, number) => {
  const dimension = 0.3 + (2.9 * number) / SHAPES
  /** @type {[number, number][]} */
  const counts = SCALES.map((scale) => [scale, Math.round((1 + (number % 7)) * scale ** dimension)])
  return { N_j: Object.fromEntries(counts), D_hat: upperMedianSlope(counts) }
})

/**
 * The fractal dimension D̂ (docs/contract.md §3).
 * @param {readonly (readonly [number, number])[]} counts each scale and its count
 */
function upperMedianSlope(counts) {
  const points = counts.map(([scale, count]) => ({ x: Math.log2(scale), y: Math.log2(Math.max(1, count)) }))
  const slopes = points.flatMap((from, index) =>
    points.slice(index + 1).map((to) => (to.y - from.y) / (to.x - from.x)),
  )
  slopes.sort((a, b) => a - b)
  return round9(slopes[Math.floor(slopes.length / 2)] ?? 0)
}

/**
 * @param {string} run names this run: no record of another run has an id of this one
 * @param {number} number of the record within the run
 * @param {string} key
 */
export function freshRecord(run, number, key) {
  const { N_j, D_hat } = shapes[number % SHAPES] ?? { N_j: {}, D_hat: 0 }
  const coh_star = ((number * 7) % 1_000) / 1_000
  const r = ((number * 13) % 1_000) / 1_000
  const merkle_root = crypto.sha256(`${run}|${number}`, 'hex')
  const epoch = Math.floor(number / SHARDS)
  const shard_id = `load-shard-${number % SHARDS}`
  const budget = 0.1 + 0.3 * (1 - r) + 0.5 * Math.max(0, D_hat - 2.2) + 0.2 * coh_star
  const signed = {
    pcs_id: pcsId(merkle_root, epoch, shard_id),
    merkle_root,
    epoch,
    shard_id,
    D_hat,
    coh_star,
    r,
    budget: round9(Math.min(1, Math.max(0, budget))),
  }
  return {
    schema: 'fractal-lba-kakeya',
    version: '0.1',
    ...signed,
    attempt: 1,
    sent_at: new Date().toISOString(),
    seed: 42,
    scales: SCALES,
    N_j,
    v_star: [0.6, 0.0, 0.8],
    regime: regimeOf(D_hat, coh_star),
    sig: sign(signed, key),
    ft: { outbox_seq: number, degraded: false, fallbacks: [], clock_skew_ms: 0 },
  }
}

/**
 * @param {number} D_hat
 * @param {number} coh_star
 */
function regimeOf(D_hat, coh_star) {
  if (coh_star >= 0.7 && D_hat <= 1.5) return 'sticky'
  return D_hat >= 2.6 ? 'non_sticky' : 'mixed'
}
