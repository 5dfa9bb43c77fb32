import type { Alert, AlertGroup } from './alert.js'
import { MINUTE } from './time-scale.js'

function storeDown(name: 'Redis' | 'Postgres'): Alert {
  return {
    name: `FLK${name}Down`,
    severity: 'critical',
    expr: () => `dedup_store_up{backend="${name.toLowerCase()}"} == 0`,
    forSeconds: 2 * MINUTE,
    summary: `${name} is down`,
    description: `{{ $labels.instance }} cannot ask ${name} (dedup_store_up is {{ $value }}): submissions are logged and answered 503.`,
    runbook: 'dedup-outage',
    dashboard: 'stores',
  }
}

const alerts: readonly Alert[] = [
  storeDown('Redis'),
  storeDown('Postgres'),
  {
    name: 'FLKDedupStoreSlowness',
    severity: 'warning',
    expr: (time) =>
      `histogram_quantile(0.95, sum by (le, backend) (rate(dedup_operation_duration_seconds_bucket[${time.window(5 * MINUTE)}]))) > 0.1`,
    forSeconds: 10 * MINUTE,
    summary: 'The store answers slowly',
    description:
      'The 95th percentile of an operation on {{ $labels.backend }} is {{ $value | humanizeDuration }}, over 100 ms.',
    runbook: 'store-slowness',
    dashboard: 'stores',
  },
  {
    name: 'FLKIntegrityConflict',
    severity: 'page',
    // Not an increase: a process that finds one while it fills has counted it before its first scrape.
    expr: () => 'dedup_integrity_conflicts_total > 0',
    forSeconds: 0,
    summary: 'Marks of one id contradict each other',
    description:
      '{{ $labels.instance }} has met {{ $value }} marks that contradict each other or cannot be read: what no fault may produce.',
    runbook: 'integrity-conflict',
    dashboard: 'stores',
  },
]

export const storeAlerts: AlertGroup = { name: 'flk-stores', alerts }
