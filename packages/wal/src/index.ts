/** The durable log: what the wal service and the agent's outbox append to. Its format stands in `format.ts`. */

export type { Clock } from './clock.js'
export type { CompactionResult } from './compaction.js'
export { isWalError, WalError, type WalErrorCode } from './errors.js'
export type { WalEvent } from './events.js'
export type { DirectoryLock, Files, OpenFile, OpenMode } from './files.js'
export { FRAME_OVERHEAD_BYTES } from './format.js'
export { openLog } from './log.js'
export { nodeFiles } from './node-files.js'
export type { LogOptions } from './options.js'
export type { LogRecord, NewRecord, RecordLocation, VisitedRecord } from './record.js'
export type { CompactableLog, LogHead, LogStatus, ReadOptions, RecordLog, SegmentInfo } from './record-log.js'
export { type LogReport, type SegmentReport, verifyLog } from './verify.js'
