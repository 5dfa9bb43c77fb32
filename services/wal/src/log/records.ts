import { type log, logRecords, type wal } from '@fractal-lba/proto'
import type { CallContext } from '@fractal-lba/runtime'
import type { LogRecord, NewRecord, VisitedRecord } from '@fractal-lba/wal'
import { type MarkBrief, markBrief } from './mark-brief.js'

export { LOG_RECORD_TYPE as RECORD_TYPE } from '@fractal-lba/proto'

/** @param context the trace of the request that brought it: a replay is linked to it. */
export function submissionRecord(
  { body, encoding, arrivedAtMs }: wal.AppendItem,
  context: CallContext | undefined,
): NewRecord {
  return logRecords.submission.encode({ body, encoding, arrivedAtMs, context })
}

export function markRecord(mark: wal.Mark): NewRecord {
  return logRecords.mark.encode(mark)
}

export function fenceRecord(generation: string): NewRecord {
  return logRecords.fence.encode({ generation })
}

export function deadLetterRecord(letter: wal.DeadLetter): NewRecord {
  return logRecords.deadLetter.encode(letter)
}

export function redriveRecord(sequence: number): NewRecord {
  return logRecords.redrive.encode({ sequence })
}

/** The same as decodeMark, of what the state of a log needs. */
export function decodeMarkBrief(record: VisitedRecord): MarkBrief | undefined {
  return record.hasBody ? (markBrief(record) ?? decodeMark(record)) : undefined
}

// Each of these gives undefined where compaction has dropped the body.

export function decodeSubmission(record: LogRecord): log.Submission | undefined {
  return logRecords.submission.decode(record)
}

export function decodeMark(record: LogRecord): wal.Mark | undefined {
  return logRecords.mark.decode(record)
}

export function decodeFence(record: LogRecord): string | undefined {
  return logRecords.fence.decode(record)?.generation
}

export function decodeDeadLetter(record: LogRecord): wal.DeadLetter | undefined {
  return logRecords.deadLetter.decode(record)
}

export function decodeRedrive(record: LogRecord): number | undefined {
  return logRecords.redrive.decode(record)?.sequence
}
