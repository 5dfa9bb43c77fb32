import { GATEWAY_JOB } from '../rules/jobs.js'
import type { Dashboard, Panel, Row } from './dashboard.js'
import { mean, quantiles, rate, sumRate } from './promql.js'

/** Of each log one line. */
const gauge = (
  metric: string,
  more: Pick<Panel, 'title' | 'description' | 'unit'> & Partial<Panel>,
): Panel => ({ kind: 'lines', queries: [{ expr: metric, legend: '{{instance}}' }], ...more })

const writing: Row = {
  title: 'Writing',
  panels: [
    {
      kind: 'lines',
      title: 'Flush',
      description: 'Time that one flush of a group of records took; each answer waits for two.',
      unit: 's',
      queries: quantiles('wal_fsync_duration_seconds_bucket', 'instance'),
      runbooks: ['latency-surge', 'wal-append-errors'],
    },
    {
      kind: 'lines',
      title: 'Records in a flush',
      description: 'The mean: groups grow by themselves under load.',
      unit: 'none',
      queries: [{ expr: mean('wal_group_records', '', 'instance'), legend: '{{instance}}' }],
    },
    {
      kind: 'lines',
      title: 'Records written',
      description: 'Submissions, marks and fences, a second.',
      unit: 'reqps',
      queries: [{ expr: 'deriv(wal_head_sequence[$__rate_interval])', legend: '{{instance}}' }],
    },
    {
      kind: 'lines',
      title: 'Appends that failed',
      description: 'Submissions that no log took, a second.',
      unit: 'reqps',
      queries: [{ expr: sumRate(`flk_wal_errors{${GATEWAY_JOB}}`), legend: 'failed' }],
      thresholds: [{ from: 0.001, color: 'red' }],
      runbooks: ['wal-append-errors'],
    },
    gauge('wal_takes_appends', {
      title: 'Takes submissions',
      description: '1 while a log takes submissions.',
      unit: 'none',
      runbooks: ['wal-append-errors', 'health-check-failing'],
    }),
  ],
}

const unfinished: Row = {
  title: 'Unfinished',
  panels: [
    gauge('wal_pending_records', {
      title: 'Pending',
      description: 'Submissions without a mark. A few are always under way.',
      unit: 'short',
      runbooks: ['wal-pending'],
    }),
    gauge('wal_oldest_pending_seconds', {
      title: 'Age of the oldest',
      description: 'Above 5 minutes an alert is sent.',
      unit: 's',
      thresholds: [{ from: 300, color: 'red' }],
      runbooks: ['wal-pending'],
    }),
    gauge('wal_dead_letters', {
      title: 'Dead letters',
      description: 'Submissions that wait for a person.',
      unit: 'none',
      thresholds: [{ from: 1, color: 'red' }],
      runbooks: ['dead-letters'],
    }),
  ],
}

const disk: Row = {
  title: 'Disk',
  panels: [
    {
      kind: 'lines',
      title: 'Disk in use',
      description: 'Of the file system that holds the log.',
      unit: 'percentunit',
      queries: [{ expr: '1 - wal_disk_free_bytes / wal_disk_size_bytes', legend: '{{instance}}' }],
      thresholds: [{ from: 0.85, color: 'red' }],
      runbooks: ['wal-disk-pressure'],
    },
    {
      kind: 'lines',
      title: 'Length of the log',
      description: 'And what the last compaction had to keep: near each other, compaction cannot help.',
      unit: 'bytes',
      queries: [
        { expr: 'wal_bytes', legend: '{{instance}}' },
        { expr: 'wal_kept_bytes', legend: '{{instance}} kept' },
      ],
      runbooks: ['wal-disk-pressure', 'wal-limit'],
    },
    {
      kind: 'lines',
      title: 'Free in a day',
      description: 'If it goes on as in the last hour; below 0 the disk will be full.',
      unit: 'bytes',
      queries: [{ expr: 'predict_linear(wal_disk_free_bytes[1h], 86400)', legend: '{{instance}}' }],
      runbooks: ['wal-disk-pressure'],
    },
    gauge('wal_limit_exceeded', {
      title: 'Over WAL_BYTES_MAX',
      description: '1 while what must be kept is longer than the log may be: submissions are refused.',
      unit: 'none',
      thresholds: [{ from: 1, color: 'red' }],
      runbooks: ['wal-limit'],
    }),
    {
      kind: 'lines',
      title: 'Hours since the last compaction',
      description: 'Or since the start of the process, where there was none yet. Above 36 an alert is sent.',
      unit: 'h',
      queries: [
        {
          expr: '(time() - (wal_compaction_last_success_timestamp_seconds > 0 or process_start_time_seconds and wal_compaction_last_success_timestamp_seconds)) / 3600',
          legend: '{{instance}}',
        },
      ],
      thresholds: [{ from: 36, color: 'red' }],
      runbooks: ['wal-compaction-stale'],
    },
    {
      kind: 'lines',
      title: 'Freed by compaction',
      description: 'Bytes a second.',
      unit: 'bytes',
      queries: [{ expr: rate('wal_compacted_bytes_total'), legend: '{{instance}}' }],
      runbooks: ['wal-compaction-stale'],
    },
  ],
}

const damage: Row = {
  title: 'Damage',
  panels: [
    gauge('wal_quarantined_segments', {
      title: 'Quarantined segments',
      description: 'Damage that is no torn tail.',
      unit: 'none',
      thresholds: [{ from: 1, color: 'red' }],
      runbooks: ['wal-quarantined'],
    }),
    gauge('wal_torn_tails_total', {
      title: 'Torn tails',
      description: 'Cut off at the start of the process: normal after a crash, never without one.',
      unit: 'none',
    }),
    gauge('wal_torn_files', {
      title: 'Files of torn tails',
      description: 'Kept for people until WAL_RETENTION.',
      unit: 'none',
    }),
  ],
}

export const log: Dashboard = {
  name: 'wal',
  title: 'Fractal LBA: log',
  description: 'What is on the disk, what is unfinished, and how long the disk lasts.',
  rows: [writing, unfinished, disk, damage],
}
