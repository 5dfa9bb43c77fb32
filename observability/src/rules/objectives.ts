import type { Alert, AlertGroup } from './alert.js'
import { GATEWAY_JOB } from './jobs.js'
import { DAY, HOUR, MINUTE, type TimeScale } from './time-scale.js'

/** The share of submissions that may end in a 5xx over a month: 99.9 % are to be answered. */
export const ERROR_BUDGET = 0.001
/** Escalated records and 5xx together, as a share of what came in. */
export const QUALITY_BUDGET = 0.02
export const LATENCY_GOAL_SECONDS = 0.2

/** Windows over which the share of errors is recorded, by the names that their rules carry. */
const RATIO_WINDOWS = {
  '5m': 5 * MINUTE,
  '30m': 30 * MINUTE,
  '1h': HOUR,
  '2h': 2 * HOUR,
  '6h': 6 * HOUR,
  '1d': DAY,
  '3d': 3 * DAY,
}
type RatioWindow = keyof typeof RATIO_WINDOWS

export interface RecordingRule {
  readonly record: string
  readonly expr: string
}

/** Submissions that were answered 5xx, as a share of all. Nothing where nothing came in. */
export function recordingRules(time: TimeScale): readonly RecordingRule[] {
  const ratios = Object.entries(RATIO_WINDOWS).map(([name, seconds]) => {
    const window = time.window(seconds)
    return {
      record: ratioName(name as RatioWindow),
      expr: `(sum(rate(flk_submissions_total{${GATEWAY_JOB},code=~"5.."}[${window}])) or vector(0))
/
(sum(rate(flk_submissions_total{${GATEWAY_JOB}}[${window}])) > 0)`,
    }
  })
  const hour = time.window(HOUR)
  return [
    ...ratios,
    {
      record: 'flk:quality_budget:burn_rate1h',
      expr: `${lostRate(hour)}
/
(sum(rate(flk_ingest_total{${GATEWAY_JOB}}[${hour}])) > 0)
/
${QUALITY_BUDGET}`,
    },
  ]
}

function ratioName(window: RatioWindow): string {
  return `flk:submission_errors:ratio_rate${window}`
}

/** Escalations and 5xx, each of which may have no series yet. */
function lostRate(window: string): string {
  return `(
  (sum(rate(flk_escalated{${GATEWAY_JOB}}[${window}])) or vector(0))
  +
  (sum(rate(flk_submissions_total{${GATEWAY_JOB},code=~"5.."}[${window}])) or vector(0))
)`
}

interface Burn {
  readonly factor: number
  readonly long: RatioWindow
  readonly short: RatioWindow
}

function burnExpr(...burns: readonly Burn[]): string {
  return burns
    .map(({ factor, long, short }) => {
      const limit = `${factor} * ${ERROR_BUDGET}`
      return `(
  ${ratioName(long)} > ${limit}
  and
  ${ratioName(short)} > ${limit}
)`
    })
    .join('\nor\n')
}

const availabilityBurn = {
  name: 'FLKAvailabilityBurn',
  forSeconds: 0,
  runbook: 'availability-burn',
  dashboard: 'overview',
} as const

const alerts: readonly Alert[] = [
  {
    ...availabilityBurn,
    severity: 'page',
    expr: () => burnExpr({ factor: 14.4, long: '1h', short: '5m' }, { factor: 6, long: '6h', short: '30m' }),
    summary: 'The error budget of 99.9 % is used up within days',
    description:
      '{{ $value | humanizePercentage }} of the submissions are answered 5xx. At this pace 2 % of a month’s budget go in an hour, or 5 % in six.',
  },
  {
    ...availabilityBurn,
    severity: 'warning',
    expr: () => burnExpr({ factor: 3, long: '1d', short: '2h' }, { factor: 1, long: '3d', short: '6h' }),
    summary: 'The error budget of 99.9 % will not last for the month',
    description:
      '{{ $value | humanizePercentage }} of the submissions are answered 5xx, and have been for a day or longer: at this pace 10 % of a month’s budget go in one day, or in three.',
  },
  {
    name: 'FLKErrorBudgetBurn',
    severity: 'page',
    expr: (time) => {
      const window = time.window(5 * MINUTE)
      // Where nothing is appended any more the ratio is infinite, and fires: all that comes is answered 5xx then.
      return `${lostRate(window)}
/
(sum(rate(flk_ingest_total{${GATEWAY_JOB}}[${window}])) or vector(0))
> ${QUALITY_BUDGET}`
    },
    forSeconds: 10 * MINUTE,
    summary: 'More than 2 % of the submissions are escalated or answered 5xx',
    description: '{{ $value | humanizePercentage }} of what came in was escalated or answered 5xx.',
    runbook: 'error-budget-burn',
    dashboard: 'overview',
  },
  {
    name: 'FLKHighLatency',
    severity: 'warning',
    expr: (time) =>
      `histogram_quantile(0.95, sum by (le) (rate(flk_submission_duration_seconds_bucket{${GATEWAY_JOB}}[${time.window(5 * MINUTE)}]))) > ${LATENCY_GOAL_SECONDS}`,
    forSeconds: 5 * MINUTE,
    summary: 'Submissions are answered slowly',
    description:
      'The 95th percentile of the time to an answer is {{ $value | humanizeDuration }}, over 200 ms.',
    runbook: 'latency-surge',
    dashboard: 'overview',
  },
  {
    name: 'FLKHighServerErrors',
    severity: 'warning',
    expr: (time) =>
      `sum(rate(flk_submissions_total{${GATEWAY_JOB},code=~"5.."}[${time.window(5 * MINUTE)}])) > 1`,
    forSeconds: 5 * MINUTE,
    summary: 'Submissions are answered 5xx',
    description: '{{ $value | humanize }} submissions a second are answered 5xx.',
    runbook: 'server-errors',
    dashboard: 'overview',
  },
]

export const objectiveAlerts: AlertGroup = { name: 'flk-objectives', alerts }
