import { Counter, Gauge, Histogram, LATENCY_BUCKETS_SECONDS, type Registry } from '@fractal-lba/runtime'
import type { AppendGuard } from './directory/append-guard.js'
import type { Compactor } from './directory/compactor.js'
import type { SubmissionLog } from './log/submission-log.js'

export interface LogMetrics {
  readonly fsyncSeconds: Histogram
  readonly groupRecords: Histogram
  readonly tornTails: Counter
  readonly quarantinedSegments: Gauge
}

export interface CompactionMetrics {
  readonly compactionSuccess: Gauge
  readonly compactedBytes: Counter
}

export function createCompactionMetrics(registry: Registry): CompactionMetrics {
  return {
    compactionSuccess: new Gauge({
      name: 'wal_compaction_last_success_timestamp_seconds',
      help: 'When the log was last compacted without an obstacle, seconds since 1970; 0 before the first time.',
      registers: [registry],
    }),
    compactedBytes: new Counter({
      name: 'wal_compacted_bytes_total',
      help: 'Bytes that compaction and retention have freed.',
      registers: [registry],
    }),
  }
}

export function createLogMetrics(registry: Registry): LogMetrics {
  return {
    fsyncSeconds: new Histogram({
      name: 'wal_fsync_duration_seconds',
      help: 'Time that one flush of a group of records took.',
      buckets: LATENCY_BUCKETS_SECONDS,
      registers: [registry],
    }),
    groupRecords: new Histogram({
      name: 'wal_group_records',
      help: 'Records that shared one flush.',
      buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512],
      registers: [registry],
    }),
    tornTails: new Counter({
      name: 'wal_torn_tails_total',
      help: 'Torn tails that were set aside and cut off when the log was opened.',
      registers: [registry],
    }),
    quarantinedSegments: new Gauge({
      name: 'wal_quarantined_segments',
      help: 'Segments with damage that is not a torn tail.',
      registers: [registry],
    }),
  }
}

/** 48 bits: a metric is a double, which has all of them exactly. */
const HEAD_CHAIN_DIGITS = 12

/** Gauges that are read from the log when somebody looks. */
export function exposeLog(registry: Registry, log: SubmissionLog): void {
  const gauge = gaugesOf(registry)
  gauge('wal_pending_records', 'Submissions without a mark.', () => log.status().openCount)
  gauge(
    'wal_oldest_pending_seconds',
    'Age of the oldest submission without a mark; 0 when none is open.',
    () => log.status().oldestOpenAgeMs / 1000,
  )
  gauge(
    'wal_dead_letters',
    'Submissions that replay could not finish for a reason of their own, set aside.',
    () => log.status().deadLetterCount,
  )
  gauge('wal_takes_appends', '1 while the log takes submissions.', () =>
    log.status().refusal === undefined ? 1 : 0,
  )
  gauge('wal_bytes', 'Length of the log on the disk.', () => log.status().sizeBytes)
  gauge('wal_head_sequence', 'Position of the newest flushed record.', () => log.status().headSequence)
  gauge(
    'wal_head_chain',
    'The first 12 hex digits of the hash chain at the newest flushed record, as a number: pcs wal verify --head.',
    () => Number.parseInt(log.status().headChain.slice(0, HEAD_CHAIN_DIGITS), 16),
  )
}

/** Gauges of a log directory, read when somebody looks. */
export function exposeDirectory(registry: Registry, guard: AppendGuard, compactor: Compactor): void {
  const gauge = gaugesOf(registry)
  gauge(
    'wal_disk_free_bytes',
    'Free bytes of the file system that holds the log.',
    () => guard.space.freeBytes,
  )
  gauge('wal_disk_size_bytes', 'Size of the file system that holds the log.', () => guard.space.sizeBytes)
  gauge('wal_kept_bytes', 'What the last compaction had to keep.', () => compactor.keptBytes)
  gauge('wal_limit_exceeded', '1 while what must be kept is longer than WAL_BYTES_MAX.', () =>
    compactor.limitExceeded ? 1 : 0,
  )
}

function gaugesOf(registry: Registry) {
  return (name: string, help: string, read: () => number): void => {
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(read())
      },
    })
  }
}
