import {
  type Env,
  readDedupTtlMs,
  readServiceConfig,
  readSubmitTimeoutMs,
  readWalDirectory,
  type ServiceConfig,
} from '@fractal-lba/runtime'

export interface WalConfig extends ServiceConfig {
  readonly directory: string
  readonly segmentBytes: number
  /** Submissions without a mark that may be remembered; more are refused. */
  readonly openMax: number
  /** Free space below which submissions are refused. */
  readonly diskLowBytes: number
  /** After a start, how long a gateway may still be working on what was open: the whole submission's deadline. */
  readonly liveLeaseMs: number
  /** Failures of its own after which an open submission is set aside as a dead letter. */
  readonly replayTries: number
  /** How long the bodies of judged records are kept, unless the byte limit presses. */
  readonly retentionMs: number
  /** How long an outcome is remembered: the same variable as at dedup. */
  readonly dedupTtlMs: number
  /** Length that the log should not exceed; 0: none. */
  readonly bytesMax: number
  /** How often the log is compacted by itself; 0: only when asked, and where room gets short. */
  readonly compactEveryMs: number
}

const DAY_MS = 86_400_000
const AGE_RANGE = { min: 1_000, max: 3_650 * DAY_MS }

export function readWalConfig(env: Env): WalConfig {
  return {
    ...readServiceConfig(env, 'wal'),
    directory: readWalDirectory(env),
    segmentBytes: env.sizeBytes('WAL_SEGMENT_BYTES', 64 * 2 ** 20, { min: 2 ** 20, max: 2 ** 30 }),
    openMax: env.integer('WAL_OPEN_MAX', 1_000_000, { min: 1, max: 10_000_000 }),
    diskLowBytes: env.sizeBytes('WAL_DISK_LOW', 256 * 2 ** 20, { min: 0, max: 2 ** 50 }),
    liveLeaseMs: readSubmitTimeoutMs(env),
    replayTries: env.integer('WAL_REPLAY_TRIES', 5, { min: 1, max: 1_000 }),
    retentionMs: env.durationMs('WAL_RETENTION', 14 * DAY_MS, AGE_RANGE),
    dedupTtlMs: readDedupTtlMs(env),
    bytesMax: env.sizeBytes('WAL_BYTES_MAX', 0, { min: 0, max: 2 ** 50 }),
    compactEveryMs: env.durationMs('WAL_COMPACT_EVERY', 3_600_000, { min: 0, max: 365 * DAY_MS }),
  }
}
