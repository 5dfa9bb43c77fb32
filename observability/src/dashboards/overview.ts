import { EXEMPLARS_JOB, GATEWAY_JOB, PROBE_JOB } from '../rules/jobs.js'
import { ERROR_BUDGET, LATENCY_GOAL_SECONDS } from '../rules/objectives.js'
import type { Dashboard, Panel, Row } from './dashboard.js'
import { quantile, quantiles, rate, sumRate } from './promql.js'

const DURATIONS = `flk_submission_duration_seconds_bucket{${GATEWAY_JOB}}`
const SUBMISSIONS = `flk_submissions_total{${GATEWAY_JOB}}`
const INGEST = `flk_ingest_total{${GATEWAY_JOB}}`
const HIT_RATIO = `(${sumRate(`flk_dedup_hits{${GATEWAY_JOB}}`)} / ${sumRate(INGEST)})`

const objectives: Row = {
  title: 'Objectives',
  panels: [
    {
      kind: 'number',
      title: 'Answered over three days',
      description:
        'Submissions that were answered otherwise than with 5xx. Promised: 99.9 % over a month. Needs the recording rules.',
      unit: 'percentunit',
      queries: [{ expr: '1 - flk:submission_errors:ratio_rate3d', legend: 'answered' }],
      thresholds: [
        { from: 0, color: 'red' },
        { from: 1 - ERROR_BUDGET, color: 'green' },
      ],
      runbooks: ['availability-burn'],
    },
    {
      kind: 'lines',
      title: 'Burn of the availability budget',
      description:
        'Errors as a multiple of the 0.1 % that may fail: at 1 the budget lasts for just the month. Page at 14.4 over 1 h and 5 m, and at 6 over 6 h and 30 m.',
      unit: 'short',
      queries: ['5m', '30m', '1h', '6h', '1d', '3d'].map((window) => ({
        expr: `flk:submission_errors:ratio_rate${window} / ${ERROR_BUDGET}`,
        legend: window,
      })),
      thresholds: [
        { from: 1, color: 'yellow' },
        { from: 6, color: 'orange' },
        { from: 14.4, color: 'red' },
      ],
      runbooks: ['availability-burn'],
    },
    {
      kind: 'lines',
      title: 'Burn of the 2 % over an hour',
      description: 'Escalated records and 5xx over an hour, as a multiple of 2 % of what came in.',
      unit: 'short',
      queries: [{ expr: 'flk:quality_budget:burn_rate1h', legend: 'burn' }],
      thresholds: [
        { from: 1, color: 'yellow' },
        { from: 2, color: 'orange' },
        { from: 5, color: 'red' },
      ],
      runbooks: ['error-budget-burn'],
    },
    {
      kind: 'lines',
      title: 'Escalated and failed',
      description: 'Shares of what came in; together they should stay under 2 %.',
      unit: 'percentunit',
      queries: [
        {
          expr: `${sumRate(`flk_escalated{${GATEWAY_JOB}}`)} / ${sumRate(INGEST)}`,
          legend: 'escalated',
        },
        {
          expr: `(${sumRate(`flk_submissions_total{${GATEWAY_JOB},code=~"5.."}`)} or vector(0)) / ${sumRate(INGEST)}`,
          legend: '5xx',
        },
      ],
      thresholds: [{ from: 0.02, color: 'red' }],
      runbooks: ['error-budget-burn', 'server-errors'],
    },
    {
      kind: 'lines',
      title: 'Gateways that are ready',
      description:
        '1 while the probe of /ready succeeds: degraded counts as ready, because the log takes records.',
      unit: 'none',
      queries: [{ expr: `probe_success{job="${PROBE_JOB}"}`, legend: '{{instance}}' }],
      runbooks: ['health-check-failing'],
    },
  ],
}

const latency: Row = {
  title: 'Latency',
  panels: [
    {
      kind: 'lines',
      title: 'Time to an answer',
      description:
        'From the last byte of a submission to its answer. Promised: 95 % under 200 ms. The points are traced submissions: they lead to their traces.',
      unit: 's',
      queries: [
        ...quantiles(DURATIONS),
        {
          expr: quantile(0.99, `flk_submission_duration_seconds_bucket{job="${EXEMPLARS_JOB}"}`),
          legend: 'p99, with traces',
          hasExemplars: true,
        },
      ],
      thresholds: [{ from: LATENCY_GOAL_SECONDS, color: 'red' }],
      runbooks: ['latency-surge'],
    },
    {
      kind: 'lines',
      title: 'Time to an answer by front',
      description: 'The 95th percentile of HTTP and gRPC each.',
      unit: 's',
      queries: [{ expr: quantile(0.95, DURATIONS, 'front'), legend: '{{front}}' }],
      thresholds: [{ from: LATENCY_GOAL_SECONDS, color: 'red' }],
      runbooks: ['latency-surge'],
    },
  ],
}

const TOTALS = [
  ['flk_ingest_total', 'Came in', 'Submissions that were appended to the log.'],
  ['flk_dedup_hits', 'Duplicates', 'Answered with a stored outcome.'],
  ['flk_accepted', 'Accepted', 'Counted at the first outcome.'],
  ['flk_escalated', 'Escalated', 'Counted at the first outcome.'],
] as const

const totals: Row = {
  title: 'Totals',
  panels: [
    ...TOTALS.map(
      ([name, title, description]): Panel => ({
        kind: 'number',
        title,
        description: `${description} In the time that is shown.`,
        unit: 'short',
        queries: [{ expr: `sum(increase(${name}{${GATEWAY_JOB}}[$__range]))`, legend: title }],
      }),
    ),
    {
      kind: 'lines',
      title: 'Rates of the same',
      description: 'A second.',
      unit: 'reqps',
      queries: TOTALS.map(([name, legend]) => ({ expr: sumRate(`${name}{${GATEWAY_JOB}}`), legend })),
    },
    {
      kind: 'lines',
      title: 'Answers by status',
      description: 'All submissions, of all fronts, by the HTTP status of their answer.',
      unit: 'reqps',
      queries: [{ expr: sumRate(SUBMISSIONS, 'code'), legend: '{{code}}' }],
      runbooks: ['server-errors'],
    },
  ],
}

const duplicatesAndSignatures: Row = {
  title: 'Duplicates and signatures',
  panels: [
    {
      kind: 'number',
      title: 'Duplicates among what came in',
      description:
        'What is healthy depends on the fleet: the two limits are variables of this dashboard, as shares of 1.',
      unit: 'percentunit',
      isOneOf: true,
      queries: [
        { expr: `${HIT_RATIO} > $hits_green`, legend: 'duplicates', color: 'green' },
        { expr: `(${HIT_RATIO} <= $hits_green) >= $hits_red`, legend: 'duplicates', color: 'yellow' },
        { expr: `${HIT_RATIO} < $hits_red`, legend: 'duplicates', color: 'red' },
      ],
      runbooks: ['duplicate-flood', 'few-duplicates'],
    },
    {
      kind: 'lines',
      title: 'Duplicates over time',
      description: 'The same, with both limits.',
      unit: 'percentunit',
      queries: [
        { expr: HIT_RATIO, legend: 'duplicates', color: 'blue' },
        { expr: 'vector($hits_green)', legend: 'green above', color: 'green' },
        { expr: 'vector($hits_red)', legend: 'red below', color: 'red' },
      ],
      runbooks: ['duplicate-flood', 'few-duplicates'],
    },
    {
      kind: 'lines',
      title: 'Signatures that did not verify',
      description: 'A second: above 1 look, above 10 for five minutes an alert is sent.',
      unit: 'reqps',
      queries: [{ expr: sumRate(`flk_signature_err{${GATEWAY_JOB}}`), legend: 'signature errors' }],
      thresholds: [
        { from: 1, color: 'yellow' },
        { from: 10, color: 'red' },
      ],
      runbooks: ['signature-spike'],
    },
    {
      kind: 'lines',
      title: 'Conflicts',
      description: 'A minute: submissions with the id of a stored record and other content.',
      unit: 'short',
      queries: [{ expr: `60 * ${sumRate(`flk_dedup_conflicts{${GATEWAY_JOB}}`)}`, legend: 'conflicts' }],
      thresholds: [{ from: 1, color: 'red' }],
      runbooks: ['dedup-conflicts'],
    },
  ],
}

const rateLimiting: Row = {
  title: 'Rate limiting',
  panels: [
    {
      kind: 'lines',
      title: 'Refused for the rate',
      description: 'Share of all submissions that were answered 429.',
      unit: 'percentunit',
      queries: [
        { expr: `${sumRate(`flk_rate_limited{${GATEWAY_JOB}}`)} / ${sumRate(SUBMISSIONS)}`, legend: '429' },
      ],
      thresholds: [{ from: 0.05, color: 'red' }],
      runbooks: ['rate-limiting'],
    },
    {
      kind: 'lines',
      title: 'Submissions of each gateway',
      description: 'TOKEN_RATE is the limit of one gateway.',
      unit: 'reqps',
      queries: [
        { expr: sumRate(SUBMISSIONS, 'instance'), legend: '{{instance}}' },
        { expr: sumRate(`flk_rate_limited{${GATEWAY_JOB}}`, 'instance'), legend: '{{instance}} refused' },
      ],
      runbooks: ['rate-limiting'],
    },
    {
      kind: 'lines',
      title: 'Connections closed at once',
      description: 'Because CONNECTIONS_MAX were open.',
      unit: 'reqps',
      queries: [
        { expr: rate(`http_connections_dropped_total{${GATEWAY_JOB}}`), legend: 'HTTP {{instance}}' },
        { expr: rate(`grpc_connections_dropped_total{${GATEWAY_JOB}}`), legend: 'gRPC {{instance}}' },
      ],
    },
    {
      kind: 'lines',
      title: 'HTTP answers by route',
      description: 'All that the HTTP front answers, also beside submissions.',
      unit: 'reqps',
      queries: [
        { expr: sumRate(`http_requests_total{${GATEWAY_JOB}}`, 'route, code'), legend: '{{route}} {{code}}' },
      ],
    },
  ],
}

export const overview: Dashboard = {
  name: 'overview',
  title: 'Fractal LBA',
  description: 'What was promised, and whether it is kept.',
  variables: [
    { name: 'hits_green', label: 'duplicates green above', value: 0.4 },
    { name: 'hits_red', label: 'duplicates red below', value: 0.1 },
  ],
  rows: [objectives, latency, totals, duplicatesAndSignatures, rateLimiting],
}
