import { Counter, Gauge, Histogram, LATENCY_BUCKETS_SECONDS, type Registry } from '@fractal-lba/runtime'
import type { Room } from './room.js'
import type { SubmissionLog } from './submission-log.js'

export interface LogMetrics {
  readonly fsyncSeconds: Histogram
  readonly groupRecords: Histogram
  readonly tornTails: Counter
  readonly quarantinedSegments: Gauge
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

/** Gauges that are read from the log when somebody looks. */
export function exposeState(registry: Registry, log: SubmissionLog, room: Room): void {
  const gauge = (name: string, help: string, read: () => number): void => {
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(read())
      },
    })
  }
  gauge('wal_pending_records', 'Submissions without a mark.', () => log.openCount)
  gauge(
    'wal_oldest_pending_seconds',
    'Age of the oldest submission without a mark; 0 when none is open.',
    () => log.oldestOpenMs / 1000,
  )
  gauge(
    'wal_dead_letters',
    'Submissions that replay could not finish for a reason of their own, set aside.',
    () => log.deadLetterCount,
  )
  gauge('wal_bytes', 'Length of the log on the disk.', () => log.sizeBytes)
  gauge(
    'wal_disk_free_bytes',
    'Free bytes of the file system that holds the log.',
    () => room.space.freeBytes,
  )
  gauge('wal_disk_size_bytes', 'Size of the file system that holds the log.', () => room.space.sizeBytes)
  gauge('wal_head_sequence', 'Position of the newest flushed record.', () => log.head.sequence)
}
