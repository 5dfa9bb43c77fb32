import type { Alert, AlertGroup } from './alert.js'
import { GATEWAY_JOB } from './jobs.js'
import { MINUTE } from './time-scale.js'

/** Records a second below which the share of duplicates says nothing of a fleet. */
const FLEET_MIN_RATE = 1

function hitRatio(window: string, comparison: string): string {
  const ingest = `sum(rate(flk_ingest_total{${GATEWAY_JOB}}[${window}]))`
  return `(sum(rate(flk_dedup_hits{${GATEWAY_JOB}}[${window}])) / ${ingest}) ${comparison}
and
${ingest} > ${FLEET_MIN_RATE}`
}

const alerts: readonly Alert[] = [
  {
    name: 'FLKSignatureFailuresSpike',
    severity: 'warning',
    expr: (time) => `sum(rate(flk_signature_err{${GATEWAY_JOB}}[${time.window(5 * MINUTE)}])) > 10`,
    forSeconds: 5 * MINUTE,
    summary: 'Many signatures do not verify',
    description: '{{ $value | humanize }} submissions a second are refused for their signature.',
    runbook: 'signature-spike',
    dashboard: 'overview',
  },
  {
    name: 'FLKDedupAnomalyHigh',
    severity: 'info',
    expr: (time) => hitRatio(time.window(5 * MINUTE), '> 0.9'),
    forSeconds: 15 * MINUTE,
    summary: 'Nearly all submissions are duplicates',
    description: '{{ $value | humanizePercentage }} of the submissions were answered with a stored outcome.',
    runbook: 'duplicate-flood',
    dashboard: 'overview',
  },
  {
    name: 'FLKDedupAnomalyLow',
    severity: 'info',
    expr: (time) => hitRatio(time.window(5 * MINUTE), '< 0.1'),
    forSeconds: 15 * MINUTE,
    summary: 'Hardly any submission is a duplicate',
    description: '{{ $value | humanizePercentage }} of the submissions were answered with a stored outcome.',
    runbook: 'few-duplicates',
    dashboard: 'overview',
    isOptional: true,
  },
  {
    name: 'FLKDedupConflicts',
    severity: 'warning',
    expr: (time) => `sum(rate(flk_dedup_conflicts{${GATEWAY_JOB}}[${time.window(5 * MINUTE)}])) * 60 > 1`,
    forSeconds: 5 * MINUTE,
    summary: 'Ids come again with other content',
    description:
      '{{ $value | humanize }} submissions a minute have the id of a stored record and other content.',
    runbook: 'dedup-conflicts',
    dashboard: 'stores',
  },
  {
    name: 'FLKRateLimitingSurge',
    severity: 'info',
    expr: (time) => {
      const window = time.window(5 * MINUTE)
      return `sum(rate(flk_rate_limited{${GATEWAY_JOB}}[${window}])) / sum(rate(flk_submissions_total{${GATEWAY_JOB}}[${window}])) > 0.05`
    },
    forSeconds: 10 * MINUTE,
    summary: 'Many submissions are refused for their rate',
    description: '{{ $value | humanizePercentage }} of the submissions are answered 429.',
    runbook: 'rate-limiting',
    dashboard: 'overview',
  },
]

export const trafficAlerts: AlertGroup = { name: 'flk-traffic', alerts }
