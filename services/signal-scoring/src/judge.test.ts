import { readFileSync } from 'node:fs'
import {
  countsOfScales,
  defaultParameters,
  hasMatchingId,
  type Outcome,
  parseRecord,
  round9,
} from '@fractal-lba/pcs'
import { describe, expect, it } from 'vitest'
import { type Claims, createJudge } from './judge.js'

interface SubmissionVector {
  readonly name: string
  readonly pcs: unknown
  readonly expect: { readonly accepted: boolean; readonly escalated: boolean; readonly reason: string | null }
}

const vectors: { submissions: SubmissionVector[] } = JSON.parse(
  readFileSync(new URL('../../../vectors/submissions.json', import.meta.url), 'utf8'),
)
const judge = createJudge(defaultParameters)

/** Accepted as it stands: the slope of these counts is exactly 1. */
const fine: Claims = {
  pcsId: 'a'.repeat(64),
  idMatches: true,
  scales: [2, 4, 8, 16],
  counts: [5, 10, 20, 40],
  dHat: 1,
  cohStar: 0.2,
  r: 1,
  budget: 0.14,
  regime: 'mixed',
}

function claimsOf(pcs: unknown): Claims {
  const record = parseRecord(Buffer.from(JSON.stringify(pcs)))
  return {
    pcsId: record.pcs_id,
    idMatches: hasMatchingId(record),
    scales: record.scales,
    counts: countsOfScales(record),
    dHat: round9(record.D_hat),
    cohStar: round9(record.coh_star),
    r: round9(record.r),
    budget: round9(record.budget),
    regime: record.regime,
  }
}

describe('judge', () => {
  it.each(vectors.submissions)('vector: $name', ({ pcs, expect: due }) => {
    const { accepted, escalated, reason } = judge(claimsOf(pcs))
    expect({ accepted, escalated, reason: reason ?? null }).toMatchObject({
      accepted: due.accepted,
      escalated: due.escalated,
      reason: due.reason,
    })
  })

  it('accepts what holds, with everything recomputed', () => {
    expect(judge(fine)).toEqual({
      pcsId: fine.pcsId,
      accepted: true,
      escalated: false,
      reason: undefined,
      message: undefined,
      recomputedDHat: 1,
      recomputedBudget: 0.14,
      regime: 'mixed',
      params: expect.stringMatching(/^[0-9a-f]{12}$/),
    })
  })

  // Each row breaks one rule and all later ones, so that it also shows the order of judgement.
  const budgetBroken: Claims = { ...fine, budget: 0.9 }
  const regimeBroken: Claims = { ...budgetBroken, regime: 'sticky' }
  const rBroken: Claims = { ...regimeBroken, r: 1.1 }
  const cohBroken: Claims = { ...rBroken, cohStar: 1.2 }
  const dHatBroken: Claims = { ...cohBroken, dHat: 2 }
  const scalesBroken: Claims = { ...dHatBroken, scales: [2, 2], counts: [5, 5] }
  const idBroken: Claims = { ...scalesBroken, idMatches: false }
  const nothing = { recomputedDHat: undefined, recomputedBudget: undefined, regime: undefined }
  it.each<[Claims, Partial<Outcome>]>([
    [idBroken, { reason: 'pcs_id_mismatch', accepted: false, ...nothing }],
    [scalesBroken, { reason: 'd_hat_not_computable', accepted: false, ...nothing }],
    [dHatBroken, { reason: 'd_hat_out_of_tolerance', accepted: false, ...nothing, recomputedDHat: 1 }],
    [cohBroken, { reason: 'coh_star_out_of_bounds', accepted: false, ...nothing, recomputedDHat: 1 }],
    [rBroken, { reason: 'r_out_of_bounds', accepted: false, ...nothing, recomputedDHat: 1 }],
    [
      regimeBroken,
      {
        reason: 'regime_mismatch',
        accepted: true,
        recomputedDHat: 1,
        recomputedBudget: undefined,
        regime: 'mixed',
      },
    ],
    [
      budgetBroken,
      {
        reason: 'budget_deviation',
        accepted: true,
        recomputedDHat: 1,
        recomputedBudget: 0.14,
        regime: 'mixed',
      },
    ],
  ])('escalates: $reason', (claims, due) => {
    expect(judge(claims)).toMatchObject({ escalated: true, ...due })
  })

  it.each<[string, Partial<Claims>, string | undefined]>([
    ['D_hat at the tolerance', { dHat: 1.15 }, undefined],
    ['D_hat just beyond', { dHat: 1.150000001 }, 'd_hat_out_of_tolerance'],
    ['coh_star at 1 + tolerance', { cohStar: 1.05, budget: 0.31 }, undefined],
    ['coh_star just beyond', { cohStar: 1.050000001 }, 'coh_star_out_of_bounds'],
    ['coh_star below 0', { cohStar: -0.000000001 }, 'coh_star_out_of_bounds'],
    ['r at 0', { r: 0, budget: 0.44 }, undefined],
    ['r below 0', { r: -0.000000001, budget: 0.44 }, 'r_out_of_bounds'],
    ['r above 1', { r: 1.000000001 }, 'r_out_of_bounds'],
    ['budget at the tolerance', { budget: 0.15 }, undefined],
    ['budget just beyond', { budget: 0.150000001 }, 'budget_deviation'],
  ])('%s', (_, change, reason) => {
    const regime = change.cohStar !== undefined && change.cohStar >= 0.7 ? 'sticky' : 'mixed'
    expect(judge({ ...fine, regime, ...change }).reason).toBe(reason)
  })

  it('writes a recomputed 0, and names the parameters that it used', () => {
    const flat = judge({ ...fine, counts: [7, 7, 7, 7], dHat: 0 })
    expect(flat.recomputedDHat).toBe(0)
    expect(createJudge({ ...defaultParameters, tolD: 0.2 })(fine).params).not.toBe(judge(fine).params)
  })
})
