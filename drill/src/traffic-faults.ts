import type { Fault } from './fault.js'
import type { Mix } from './traffic.js'

function wave(what: string, alert: string, mix: Partial<Mix>): Fault {
  return {
    what,
    alerts: [alert],
    begin: async ({ traffic }) => traffic.set(mix),
    end: async ({ traffic }) => traffic.set({}),
  }
}

/** What agents, or somebody who is none, may send. */
export const trafficFaults: readonly Fault[] = [
  wave('60 bad signatures a second', 'FLKSignatureFailuresSpike warning', { rate: 80, badSignatures: 0.75 }),
  wave('98 % are duplicates', 'FLKDedupAnomalyHigh info', { rate: 60, duplicates: 0.98 }),
  wave('no duplicates', 'FLKDedupAnomalyLow info', { duplicates: 0 }),
  wave('a third are conflicts', 'FLKDedupConflicts warning', { conflicts: 0.33 }),
  wave('a third are escalated', 'FLKErrorBudgetBurn page', { escalations: 0.33 }),
  wave('more than twice the rate that is allowed', 'FLKRateLimitingSurge info', { rate: 600 }),
]
