import { type Outcome, type Reason, type Regime, reasons } from '@fractal-lba/pcs'
import type { record } from '@fractal-lba/proto'

const REGIMES: readonly Regime[] = ['sticky', 'mixed', 'non_sticky']

/** The outcome as the message of the wire carries it, in the form that is rendered for HTTP. */
export function outcomeFromMessage(message: record.Outcome): Outcome {
  return {
    pcs_id: message.pcsId,
    accepted: message.accepted,
    escalated: message.escalated,
    reason: oneOf<Reason>(reasons, message.reason),
    message: message.message,
    recomputed_D_hat: message.recomputedDHat ?? null,
    recomputed_budget: message.recomputedBudget ?? null,
    regime: oneOf(REGIMES, message.regime) ?? null,
    params: message.params,
  }
}

function oneOf<T extends string>(values: readonly T[], text: string | undefined): T | undefined {
  return values.find((value) => value === text)
}
