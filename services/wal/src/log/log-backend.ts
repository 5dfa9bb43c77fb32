import type { LogSpace } from './submission-log.js'

export interface RecordToAppend {
  readonly type: number
  readonly encoding: number
  readonly body: Uint8Array
  /** Its stamp: wall clock, whole milliseconds. Kept with the record. */
  readonly timeMs: number
}

export interface StoredRecord {
  readonly type: number
  readonly sequence: number
  /** Its stamp. */
  readonly timeMs: number
  /** undefined where it was dropped. */
  readonly body: Buffer | undefined
}

/** A record as it is read back when a log is opened: there are millions, and few have their bodies looked at. */
export interface RecoveredRecord extends StoredRecord {
  readonly hasBody: boolean
  readonly bodyLength: number
  bodyByte(index: number): number | undefined
  /** Of one out of a checkpoint: how many bytes its body has there (`briefOf`). */
  readonly briefLength?: number
}

/** What a new kind of log implements: an ordered, durable list of records. The rules above it are BackedLog's. */
export interface LogBackend {
  readonly logId: string

  /**
   * Appends them together, in the order of the calls. Resolves with the sequence of the first when all are durable.
   * @throws AppError unavailable
   */
  append(records: readonly RecordToAppend[]): Promise<number>

  /** Durable records of these types in order from that sequence on, in bounded batches. */
  read(fromSequence: number, types: ReadonlySet<number>): AsyncIterable<readonly StoredRecord[]>

  /** One durable record; undefined where the log does not hold it. */
  readOne(sequence: number): Promise<StoredRecord | undefined>

  head(): { readonly sequence: number; readonly chain: string }

  /** Why no submissions are taken: what is left is for marks and fences. undefined while they are. */
  readonly refusal: string | undefined
  readonly damaged: readonly string[]
  readonly sizeBytes: number
  readonly space?: LogSpace | undefined

  close(): Promise<void>
}
