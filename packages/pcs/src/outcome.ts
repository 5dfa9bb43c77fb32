/** Why a record was escalated, in the order of judgement (docs/contract.md, section 4). */
export const reasons = [
  'pcs_id_mismatch',
  'd_hat_not_computable',
  'd_hat_out_of_tolerance',
  'coh_star_out_of_bounds',
  'r_out_of_bounds',
  'regime_mismatch',
  'budget_deviation',
] as const

export type Reason = (typeof reasons)[number]

/**
 * The judgement of one record; what the judgement did not reach is undefined. The judge makes it in this form, the
 * messages between services carry it (flk.record.v1.Outcome), and answers are rendered from it.
 */
export interface Outcome {
  readonly pcsId: string
  readonly accepted: boolean
  readonly escalated: boolean
  /** One of `reasons`. */
  readonly reason?: string | undefined
  /** The reason's sentence with its figures. */
  readonly message?: string | undefined
  readonly recomputedDHat?: number | undefined
  readonly recomputedBudget?: number | undefined
  /** The recomputed regime. */
  readonly regime?: string | undefined
  /** The short hash of the parameters that it was judged with. */
  readonly params: string
}

/**
 * The JSON body that answers a submission, also years later from a store: its bytes are part of the contract
 * (section 4). `reason` and `message` are left out when absent, nulls and zeros are written.
 */
export function renderOutcome(outcome: Outcome): string {
  // Named one by one: the order of an object's keys elsewhere must not reach the wire. JSON leaves undefined out.
  return JSON.stringify({
    pcs_id: outcome.pcsId,
    accepted: outcome.accepted,
    escalated: outcome.escalated,
    reason: outcome.reason,
    message: outcome.message,
    recomputed_D_hat: outcome.recomputedDHat ?? null,
    recomputed_budget: outcome.recomputedBudget ?? null,
    regime: outcome.regime ?? null,
    params: outcome.params,
  })
}

/** 200 for a record that was accepted with nothing to say about it, else 202. */
export function httpStatusOf(outcome: Pick<Outcome, 'accepted' | 'escalated'>): 200 | 202 {
  return outcome.accepted && !outcome.escalated ? 200 : 202
}
