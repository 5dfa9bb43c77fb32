import type { Env } from '@fractal-lba/runtime/env'
import type { WalEvent } from '@fractal-lba/wal'
import type { CompactionReport } from './compaction.js'
import { nodeOutboxFiles, type OutboxFiles } from './files.js'
import { SEGMENT_BYTES_DEFAULT } from './outbox-log.js'

/** What the owner of an outbox may want to count or write down. */
export type OutboxEvent =
  | { readonly type: 'log'; readonly event: WalEvent }
  /** A file for people cannot be written; the outbox goes on without it. */
  | { readonly type: 'report_failed'; readonly file: string; readonly error: Error }
  /** The outbox compacted itself. */
  | { readonly type: 'compacted'; readonly report: CompactionReport }
  /** It could not; it goes on with the log that it has. */
  | { readonly type: 'compaction_failed'; readonly error: Error }

export interface OutboxOptions {
  /** Records that it may hold, all but acknowledged ones; 100,000 by default. */
  readonly entriesMax?: number
  /** What these may take in the log; 256 MiB by default. */
  readonly bytesMax?: number
  /** So many acknowledged records make the outbox compact itself; 10,000 by default. */
  readonly acknowledgedMax?: number
  /** How many of them, the newest, it then keeps; 1,000 by default. */
  readonly acknowledgedKept?: number
  readonly segmentBytes?: number
  readonly files?: OutboxFiles
  /** Wall clock, ms since 1970. */
  readonly nowMs?: () => number
  /**
   * Called when a write or a flush failed. Nothing after that is acknowledged; the owner says so and ends the
   * process, and the next one recovers what the disk holds.
   */
  readonly onFatal: (error: Error) => void
  /** Must not throw. */
  readonly onEvent?: (event: OutboxEvent) => void
}

export type OutboxSettings = Required<OutboxOptions>

export function settingsOf(options: OutboxOptions): OutboxSettings {
  return {
    entriesMax: options.entriesMax ?? 100_000,
    bytesMax: options.bytesMax ?? 256 * 2 ** 20,
    acknowledgedMax: options.acknowledgedMax ?? 10_000,
    acknowledgedKept: options.acknowledgedKept ?? 1_000,
    segmentBytes: options.segmentBytes ?? SEGMENT_BYTES_DEFAULT,
    files: options.files ?? nodeOutboxFiles,
    nowMs: options.nowMs ?? Date.now,
    onFatal: options.onFatal,
    onEvent: options.onEvent ?? (() => undefined),
  }
}

export interface OutboxLimits {
  readonly entriesMax: number
  readonly bytesMax: number
}

/** `OUTBOX_ENTRIES_MAX` and `OUTBOX_BYTES_MAX`. */
export function readOutboxLimits(env: Env): OutboxLimits {
  return {
    entriesMax: env.integer('OUTBOX_ENTRIES_MAX', 100_000, { min: 1, max: 10_000_000 }),
    bytesMax: env.sizeBytes('OUTBOX_BYTES_MAX', 256 * 2 ** 20, { min: 2 ** 16, max: 2 ** 40 }),
  }
}
