import type { Alert, AlertGroup } from './alert.js'
import { GATEWAY_JOB } from './jobs.js'
import { HOUR, MINUTE } from './time-scale.js'

const COMPACTION_AGE_SECONDS = 36 * HOUR

const alerts: readonly Alert[] = [
  {
    name: 'FLKWALDiskPressure',
    severity: 'warning',
    expr: () => '1 - wal_disk_free_bytes / wal_disk_size_bytes > 0.85',
    forSeconds: 15 * MINUTE,
    summary: 'The disk of a log fills up',
    description: 'The disk of {{ $labels.instance }} is {{ $value | humanizePercentage }} full.',
    runbook: 'wal-disk-pressure',
    dashboard: 'wal',
  },
  {
    name: 'FLKWALAppendErrors',
    severity: 'critical',
    expr: (time) => `sum(increase(flk_wal_errors{${GATEWAY_JOB}}[${time.window(5 * MINUTE)}])) > 0`,
    forSeconds: MINUTE,
    summary: 'Submissions cannot be appended to the log',
    description:
      '{{ $value | humanize }} submissions in five minutes could not be appended, and were answered 503.',
    runbook: 'wal-append-errors',
    dashboard: 'wal',
  },
  {
    name: 'FLKWALPendingOld',
    severity: 'warning',
    expr: (time) => `wal_oldest_pending_seconds > ${time.age(5 * MINUTE)}`,
    forSeconds: 5 * MINUTE,
    summary: 'Submissions stay unfinished',
    description:
      'The oldest unfinished submission in {{ $labels.instance }} is {{ $value | humanizeDuration }} old.',
    runbook: 'wal-pending',
    dashboard: 'wal',
  },
  {
    name: 'FLKWALCompactionStale',
    severity: 'warning',
    // The time of the last success is forgotten with the process, and 0 before the first: so the newest that was seen
    // counts, and only of a log that was there so long ago.
    expr: (time) => {
      const age = time.age(COMPACTION_AGE_SECONDS)
      const window = time.window(COMPACTION_AGE_SECONDS)
      return `time() - max_over_time(wal_compaction_last_success_timestamp_seconds[${window}]) > ${age}
and
present_over_time(wal_compaction_last_success_timestamp_seconds[${time.window(HOUR)}] offset ${window})`
    },
    forSeconds: 10 * MINUTE,
    summary: 'A log is not compacted any more',
    description:
      'The last compaction of {{ $labels.instance }} that succeeded was {{ $value | humanizeDuration }} ago.',
    runbook: 'wal-compaction-stale',
    dashboard: 'wal',
  },
  {
    name: 'FLKWALQuarantined',
    severity: 'page',
    expr: () => 'wal_quarantined_segments > 0',
    forSeconds: 0,
    summary: 'A log has damage',
    description: '{{ $value }} segments of {{ $labels.instance }} are quarantined.',
    runbook: 'wal-quarantined',
    dashboard: 'wal',
  },
  {
    name: 'FLKDeadLetters',
    severity: 'warning',
    expr: () => 'wal_dead_letters > 0',
    forSeconds: MINUTE,
    summary: 'Submissions were set aside',
    description:
      '{{ $value }} submissions in {{ $labels.instance }} could not be finished by replay and wait for a person.',
    runbook: 'dead-letters',
    dashboard: 'wal',
  },
  {
    name: 'FLKWALLimitExceeded',
    severity: 'critical',
    expr: () => 'wal_limit_exceeded > 0',
    forSeconds: 5 * MINUTE,
    summary: 'What a log must keep is longer than it may be',
    description:
      'What {{ $labels.instance }} must keep is over WAL_BYTES_MAX (wal_limit_exceeded is {{ $value }}): new submissions are refused.',
    runbook: 'wal-limit',
    dashboard: 'wal',
  },
]

export const logAlerts: AlertGroup = { name: 'flk-log', alerts }
