import type { CompactionResult } from './compaction.js'
import type { LogRecord, NewRecord } from './record.js'

export interface ReadOptions {
  /** Last sequence to read; by default the last one flushed at the time of the call. */
  readonly to?: number
  /** By default 1024. */
  readonly batchRecordsMax?: number
  /** About how many bytes are read at once; by default 1 MiB. A batch with a longer record is longer. */
  readonly batchBytesMax?: number
  /** Only records of these types; the bodies of others are not looked at. By default all. */
  readonly types?: ReadonlySet<number>
}

/** The end of the log: everything up to it is durable. */
export interface LogHead {
  /** 0 while the log is empty */
  readonly sequence: number
  readonly group: number
  /** 64 hex digits */
  readonly chain: string
}

/** How the log stands, for health and metrics. */
export interface LogStatus {
  /** Whether a record of the greatest length would be taken now. */
  readonly writable: boolean
  /** Why not, as a sentence. */
  readonly reason: string | undefined
  /** The first sequence that the log still holds; 0 while it is empty. */
  readonly firstSequence: number
  readonly segments: number
  /** File names of the quarantined ones. */
  readonly quarantined: readonly string[]
}

/** A durable, ordered log of records. Narrow on purpose: a replicated log could stand in its place. */
export interface RecordLog {
  /** 32 hex digits, made once at creation */
  readonly logId: string
  /**
   * Appends the records of one call together, in order. Resolves with the sequence of the first, the others
   * follow it, and must not resolve before their flush group is durable. Rejects with a WalError: `too_large`,
   * `queue_full`, `out_of_space` (nothing was written), `failed`, `closed`, `invalid`.
   */
  append(records: readonly NewRecord[]): Promise<number>
  /**
   * Flushed records in order from that sequence on, in batches. Left out are damaged ones, and those that
   * retention removes while the read is on its way.
   */
  read(fromSequence: number, options?: ReadOptions): AsyncIterable<LogRecord[]>
  /** One flushed record; `undefined` when the log does not hold it. */
  readOne(sequence: number): Promise<LogRecord | undefined>
  head(): LogHead
  status(): LogStatus
  /** False when the directory that is written is not the one under its name any more. */
  holdsDirectory(): Promise<boolean>
  /** Takes nothing more, flushes what is in, and lets go of the directory. */
  close(): Promise<void>
}

/** What one segment holds, for retention. */
export interface SegmentInfo {
  /** file name */
  readonly name: string
  readonly firstSequence: number
  /** below `firstSequence` when it holds no intact record */
  readonly lastSequence: number
  readonly records: number
  /** header and frames, without the unwritten rest */
  readonly sizeBytes: number
  /** the one that is appended to */
  readonly active: boolean
  readonly quarantined: boolean
}

/** A log whose owner may make it smaller. */
export interface CompactableLog extends RecordLog {
  /** From the oldest to the newest. */
  segments(): SegmentInfo[]
  /**
   * Drops the bodies that `drop` names from the segment that begins with that sequence; digests and chain
   * stay. The record's buffers are valid only during the call. Rejects with `invalid` for the active or a
   * quarantined segment, with `out_of_space` when there is no room for the copy, with `damaged` when the
   * segment is (it then stays as it is).
   */
  dropBodies(firstSequence: number, drop: (record: LogRecord) => boolean): Promise<CompactionResult>
  /** Removes the oldest segments all of whose records are below that sequence; gives how many. */
  removeBefore(sequence: number): Promise<number>
}
