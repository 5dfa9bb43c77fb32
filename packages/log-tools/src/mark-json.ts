import type { log, record } from '@fractal-lba/proto'
import type { ReadMark } from './record-bodies.js'

/** A mark as machines get it: names of the contract, bytes as hex, times as RFC 3339. */
export function markJson(mark: ReadMark): Readonly<Record<string, unknown>> {
  return {
    sequence: mark.sequence,
    status: mark.status,
    replayed: mark.replayed,
    indexed: mark.indexed,
    generation: mark.generation,
    verdict: mark.verdict === undefined ? null : verdictJson(mark.verdict),
    ...(mark.copiedFrom && { copied_from: copiedFromJson(mark.copiedFrom) }),
  }
}

function copiedFromJson({ logId, sequence, flushedAtMs }: log.CopiedFrom): Readonly<Record<string, unknown>> {
  return { log_id: logId, sequence, flushed_at: timeText(flushedAtMs) }
}

export function verdictJson(verdict: record.Verdict): Readonly<Record<string, unknown>> {
  const { outcome, fingerprint, keyId, parameters, judgedAtMs, origin } = verdict
  return {
    outcome: outcome === undefined ? null : outcomeJson(outcome),
    fingerprint: fingerprint.toString('hex'),
    key_id: keyId,
    parameters: parameters === undefined ? null : parametersJson(parameters),
    judged_at: timeText(judgedAtMs),
    origin: origin === undefined ? null : { log_id: origin.logId, sequence: origin.sequence },
  }
}

/** As the body of the answer names and orders it (docs/contract.md, section 4). */
function outcomeJson(outcome: record.Outcome): Readonly<Record<string, unknown>> {
  return {
    pcs_id: outcome.pcsId,
    accepted: outcome.accepted,
    escalated: outcome.escalated,
    reason: outcome.reason,
    message: outcome.message,
    recomputed_D_hat: outcome.recomputedDHat ?? null,
    recomputed_budget: outcome.recomputedBudget ?? null,
    regime: outcome.regime ?? null,
    params: outcome.params,
  }
}

export function parametersJson(parameters: record.Parameters): Readonly<Record<string, number>> {
  const { tolD, tolCoh, tolBudget, tolR, alpha, beta, gamma, base, d0 } = parameters
  return { tol_d: tolD, tol_coh: tolCoh, tol_budget: tolBudget, tol_r: tolR, alpha, beta, gamma, base, d0 }
}

const TIME_MS_MAX = 8.64e15

/** RFC 3339 in UTC; the number itself where it is no time that a calendar has. */
export function timeText(timeMs: number): string {
  return timeMs <= TIME_MS_MAX ? new Date(timeMs).toISOString() : String(timeMs)
}
