import { GATEWAY_JOB, SERVICE_JOBS } from '../rules/jobs.js'
import type { Dashboard, Panel, Row } from './dashboard.js'
import { errorsBy, mean, quantile, quantiles, rate, sumRate } from './promql.js'

const processes: Row = {
  title: 'Processes',
  panels: [
    {
      kind: 'lines',
      title: 'Instances up',
      description: 'Processes of each service that answer a scrape.',
      unit: 'none',
      queries: [{ expr: `sum by (job) (up{${SERVICE_JOBS}})`, legend: '{{job}}' }],
      runbooks: ['backend-down'],
    },
    {
      kind: 'lines',
      title: 'CPU',
      description: 'As a share of what each process may use.',
      unit: 'percentunit',
      queries: [
        {
          expr: `${rate(`process_cpu_seconds_total{${SERVICE_JOBS}}`)} / process_cpu_limit_cores{${SERVICE_JOBS}}`,
          legend: '{{job}} {{instance}}',
        },
      ],
      thresholds: [{ from: 0.8, color: 'red' }],
      runbooks: ['cpu-pressure'],
    },
    {
      kind: 'lines',
      title: 'Memory',
      description: 'As a share of what each process may use.',
      unit: 'percentunit',
      queries: [
        {
          expr: `process_resident_memory_bytes{${SERVICE_JOBS}} / process_memory_limit_bytes{${SERVICE_JOBS}}`,
          legend: '{{job}} {{instance}}',
        },
      ],
      thresholds: [{ from: 0.85, color: 'red' }],
      runbooks: ['memory-pressure'],
    },
    {
      kind: 'lines',
      title: 'Event-loop lag',
      description: 'The 99th percentile: how long a process stands still now and then.',
      unit: 's',
      queries: [
        { expr: `nodejs_eventloop_lag_p99_seconds{${SERVICE_JOBS}}`, legend: '{{job}} {{instance}}' },
      ],
      runbooks: ['latency-surge'],
    },
    {
      kind: 'lines',
      title: 'Clocks',
      description:
        'How far each clock is ahead of what differs most from it. Nothing expires by one that is off.',
      unit: 's',
      queries: [{ expr: `clock_offset_seconds{${SERVICE_JOBS}}`, legend: '{{job}} {{instance}}' }],
      runbooks: ['clock-off'],
    },
    {
      kind: 'number',
      title: 'Clocks that are not trusted',
      description: 'Processes by whose clock nothing expires.',
      unit: 'none',
      queries: [{ expr: `sum(1 - clock_trusted{${SERVICE_JOBS}})`, legend: 'not trusted' }],
      thresholds: [{ from: 1, color: 'red' }],
      runbooks: ['clock-off'],
    },
    {
      kind: 'lines',
      title: 'Spans',
      description:
        'Sent to the collector, and dropped: no room in the queue, or the collector did not take them.',
      unit: 'reqps',
      queries: [
        { expr: sumRate(`otel_spans_sent_total{${SERVICE_JOBS}}`, 'job'), legend: '{{job}} sent' },
        {
          expr: sumRate(`otel_spans_dropped_total{${SERVICE_JOBS}}`, 'job, reason'),
          legend: '{{job}} dropped: {{reason}}',
        },
      ],
      runbooks: ['telemetry-dropped'],
    },
  ],
}

const gateway: Row = {
  title: 'gateway',
  panels: [
    {
      kind: 'lines',
      title: 'HTTP, time by route',
      description: 'The 95th percentile from the end of the headers to the answer.',
      unit: 's',
      queries: [
        {
          expr: quantile(0.95, `http_request_duration_seconds_bucket{${GATEWAY_JOB}}`, 'route'),
          legend: '{{route}}',
        },
      ],
      runbooks: ['latency-surge'],
    },
    {
      kind: 'lines',
      title: 'Errors of its calls',
      description: 'By the service that was called and the code that the gateway got.',
      unit: 'reqps',
      queries: [
        {
          expr: errorsBy('rpc_service, code', `rpc_client_errors_total{${GATEWAY_JOB}}`),
          legend: '{{rpc_service}} {{code}}',
        },
      ],
      runbooks: ['server-errors', 'backend-down'],
    },
    {
      kind: 'lines',
      title: 'Replay',
      description: 'Open submissions that were finished, and leases that failed.',
      unit: 'reqps',
      queries: [
        { expr: sumRate(`flk_replay_finished_total{${GATEWAY_JOB}}`), legend: 'finished' },
        { expr: sumRate(`flk_replay_lease_errors_total{${GATEWAY_JOB}}`), legend: 'leases failed' },
      ],
      runbooks: ['wal-pending'],
    },
  ],
}

/** How a service does, seen from the gateway and from itself. */
function serviceRow(title: string, rpcService: string, runbook: string, more: readonly Panel[] = []): Row {
  const batches = `rpc_service="${rpcService}",rpc_method=~".+Batches"`
  const sent = `${GATEWAY_JOB},${batches}`
  const came = `job="flk-${title}",${batches}`
  return {
    title,
    panels: [
      {
        kind: 'lines',
        title: 'Hop',
        description: 'From the sending of a batch to its end, as the gateways see it.',
        unit: 's',
        queries: quantiles(`rpc_client_duration_seconds_bucket{${sent}}`),
        runbooks: [runbook],
      },
      {
        kind: 'lines',
        title: 'The service’s own time',
        description: 'From the coming of a batch to its end. The rest of the hop is network and waiting.',
        unit: 's',
        queries: quantiles(`rpc_server_duration_seconds_bucket{${came}}`),
        runbooks: [runbook],
      },
      {
        kind: 'lines',
        title: 'Items in a batch',
        description: 'The mean. Near HOP_BATCH_ITEMS (128) the service is saturated.',
        unit: 'none',
        queries: [
          { expr: mean('rpc_client_batch_items', sent, 'rpc_method'), legend: '{{rpc_method}} sent' },
          { expr: mean('rpc_server_batch_items', came, 'rpc_method'), legend: '{{rpc_method}} came' },
        ],
        runbooks: ['latency-surge'],
      },
      {
        kind: 'lines',
        title: 'Waiting and under way',
        description: 'Items that wait at the gateways for a place in a batch, and batches in flight.',
        unit: 'none',
        queries: [
          { expr: `sum by (rpc_method) (rpc_client_queue_items{${sent}})`, legend: '{{rpc_method}} waiting' },
          {
            expr: `sum by (rpc_method) (rpc_client_calls_in_flight{${sent}})`,
            legend: '{{rpc_method}} in flight',
          },
        ],
        runbooks: ['latency-surge'],
      },
      {
        kind: 'lines',
        title: 'Errors by code',
        description: 'What callers got, and what failed as a whole at the service.',
        unit: 'reqps',
        queries: [
          {
            expr: errorsBy('code', `rpc_client_errors_total{rpc_service="${rpcService}"}`),
            legend: '{{code}}',
          },
          {
            expr: errorsBy('code', `rpc_server_errors_total{rpc_service="${rpcService}"}`),
            legend: '{{code}} at the service',
          },
        ],
        runbooks: ['backend-down'],
      },
      ...more,
    ],
  }
}

const verifierResults: Panel = {
  kind: 'lines',
  title: 'Records by result',
  description: 'What came of each record that was looked at, live or replayed.',
  unit: 'reqps',
  queries: [{ expr: sumRate('verifier_records_total', 'result'), legend: '{{result}}' }],
  runbooks: ['signature-spike'],
}

const judgements: Panel = {
  kind: 'lines',
  title: 'Judgements by reason',
  description: 'Why records are escalated; none: not escalated.',
  unit: 'reqps',
  queries: [{ expr: sumRate('scoring_judgements_total', 'reason'), legend: '{{reason}}' }],
  runbooks: ['error-budget-burn'],
}

const findings: Panel = {
  kind: 'lines',
  title: 'Ids by finding',
  description: 'What was found under the ids that were put.',
  unit: 'reqps',
  queries: [{ expr: sumRate('dedup_findings_total{operation="put"}', 'finding'), legend: '{{finding}}' }],
  runbooks: ['duplicate-flood', 'dedup-conflicts'],
}

export const pipeline: Dashboard = {
  name: 'pipeline',
  title: 'Fractal LBA: pipeline',
  description: 'Each service on the way of a record: latency, batches, queues, errors.',
  rows: [
    processes,
    gateway,
    serviceRow('wal', 'flk.wal.v1.WalService', 'wal-append-errors'),
    serviceRow('verifier', 'flk.verifier.v1.VerifierService', 'latency-surge', [verifierResults]),
    serviceRow('signal-scoring', 'flk.scoring.v1.ScoringService', 'latency-surge', [judgements]),
    serviceRow('dedup', 'flk.dedup.v1.DedupService', 'store-slowness', [findings]),
  ],
}
