/** What is appended. The bytes are copied when their group is written: leave them alone until `append` resolves. */
export interface NewRecord {
  /** 1 to 255; the owner's numbering */
  readonly type: number
  /** 0 to 255; the owner's numbering */
  readonly encoding: number
  readonly body: Uint8Array
  /** Its stamp, whole milliseconds; by default the log's clock when its group is written. */
  readonly timeMs?: number
}

/** What is read. The buffers are views of a larger one: copy what is kept for long. */
export interface LogRecord {
  readonly type: number
  readonly encoding: number
  readonly sequence: number
  /** number of the flush that wrote it */
  readonly group: number
  /** its stamp: wall clock of the append */
  readonly timeMs: number
  /** false when compaction dropped it */
  readonly hasBody: boolean
  /** `undefined` when compaction dropped it */
  readonly body: Buffer | undefined
  /** the original length, also of a dropped body */
  readonly bodyLength: number
  /** SHA-256 of the body */
  readonly digest: Buffer
  /** SHA-256(previous chain ‖ header ‖ digest) */
  readonly chain: Buffer
}

/**
 * What is read while a log is opened. There are millions of them, and who looks at a few bytes of each should not
 * have a buffer made of its body.
 */
export interface VisitedRecord extends LogRecord {
  /** A byte of the body; `undefined` outside it, or when compaction dropped it */
  bodyByte(index: number): number | undefined
  /** Of a record out of a checkpoint: how many bytes of a body there are (LogOptions.brief) */
  readonly briefLength?: number
}

/** Where a record lies. */
export interface RecordLocation {
  /** file name of the segment */
  readonly segment: string
  /** offset of its frame in the file */
  readonly offset: number
  readonly frameBytes: number
}
