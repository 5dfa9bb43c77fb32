import {
  budgetOf,
  deviation,
  fractalDimension,
  type Outcome,
  type Parameters,
  parametersHash,
  type Reason,
  type Regime,
  regimeOf,
  round9,
} from '@fractal-lba/pcs'

/** What a record claims of itself, its four floats as signed (rounded to nine decimals). */
export interface Claims {
  readonly pcsId: string
  readonly idMatches: boolean
  readonly scales: readonly number[]
  /** For each scale, in the same order, its N_j. */
  readonly counts: readonly number[]
  readonly dHat: number
  readonly cohStar: number
  readonly r: number
  readonly budget: number
  readonly regime: string
}

/** How far the judgement came. */
interface Recomputed {
  readonly dHat?: number
  readonly regime?: Regime
  readonly budget?: number
}

const NOTHING: Recomputed = {}

export type Judge = (claims: Claims) => Outcome

/**
 * The rules of the contract's section 4, in the order of its table: the first finding decides. Pure, so that a
 * record judged again in a replay comes out the same.
 */
export function createJudge(parameters: Parameters): Judge {
  const params = parametersHash(parameters)
  const { tolD, tolCoh, tolR, tolBudget } = parameters

  return (claims) => {
    const { pcsId, dHat, cohStar, r, budget } = claims
    const escalate = (
      reason: Reason,
      message: string,
      recomputed: Recomputed,
      accepted = false,
    ): Outcome => ({
      pcsId,
      accepted,
      escalated: true,
      reason,
      message,
      recomputedDHat: recomputed.dHat,
      recomputedBudget: recomputed.budget,
      regime: recomputed.regime,
      params,
    })

    if (!claims.idMatches) {
      return escalate('pcs_id_mismatch', 'pcs_id is not the hash of merkle_root, epoch and shard_id', NOTHING)
    }
    const slope = fractalDimension(claims.scales, claims.counts)
    if (slope === null) {
      return escalate('d_hat_not_computable', 'D_hat cannot be computed: all scales are equal', NOTHING)
    }
    const reached: Recomputed = { dHat: slope }
    if (deviation(dHat, slope) > tolD) {
      const message = `D_hat ${dHat} is ${deviation(dHat, slope)} from the recomputed ${slope}; the tolerance is ${tolD}`
      return escalate('d_hat_out_of_tolerance', message, reached)
    }
    if (isOutside(cohStar, 0, tolCoh)) {
      return escalate(
        'coh_star_out_of_bounds',
        `coh_star ${cohStar} is outside 0 to ${round9(1 + tolCoh)}`,
        reached,
      )
    }
    if (isOutside(r, tolR, tolR)) {
      return escalate('r_out_of_bounds', `r ${r} is outside ${0 - tolR} to ${round9(1 + tolR)}`, reached)
    }
    const regime = regimeOf(dHat, cohStar)
    if (claims.regime !== regime) {
      const message = `the regime is ${regime}, not ${claims.regime}, at D_hat ${dHat} and coh_star ${cohStar}`
      return escalate('regime_mismatch', message, { ...reached, regime }, true)
    }
    const due = budgetOf(dHat, cohStar, r, parameters)
    const complete: Recomputed = { dHat: slope, regime, budget: due }
    if (deviation(budget, due) > tolBudget) {
      const message = `budget ${budget} is ${deviation(budget, due)} from the recomputed ${due}; the tolerance is ${tolBudget}`
      return escalate('budget_deviation', message, complete, true)
    }
    return {
      pcsId,
      accepted: true,
      escalated: false,
      reason: undefined,
      message: undefined,
      recomputedDHat: slope,
      recomputedBudget: due,
      regime,
      params,
    }
  }
}

/** Outside [0 − below, 1 + above], the excess rounded as every difference is. */
function isOutside(value: number, below: number, above: number): boolean {
  return round9(-value) > below || round9(value - 1) > above
}
