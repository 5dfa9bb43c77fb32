import { encoderOf, wal } from '@fractal-lba/proto'
import type { LogRecord, NewRecord, VisitedRecord } from '@fractal-lba/wal'
import { type MarkBrief, markBrief } from './mark-brief.js'

/**
 * What the bodies of the log's records mean to this service. The numbers stand on the disk: never reuse one.
 * Encodings are those of flk.verifier.v1.Encoding; all but submissions are protobuf messages.
 */
export const RECORD_TYPE = { submission: 1, mark: 2, fence: 3, deadLetter: 4, driveAgain: 5 } as const

const ENCODING_PROTOBUF = 2

export function submissionRecord(item: wal.AppendItem): NewRecord {
  return { type: RECORD_TYPE.submission, encoding: item.encoding, body: item.body }
}

const bytesOfMark = encoderOf(wal.Mark)

export function markRecord(mark: wal.Mark): NewRecord {
  return { type: RECORD_TYPE.mark, encoding: ENCODING_PROTOBUF, body: bytesOfMark(mark) }
}

export function fenceRecord(generation: string): NewRecord {
  const body = wal.FenceRequest.encode({ generation }).finish()
  return { type: RECORD_TYPE.fence, encoding: ENCODING_PROTOBUF, body }
}

export function deadLetterRecord(letter: wal.DeadLetter): NewRecord {
  const body = wal.DeadLetter.encode(letter).finish()
  return { type: RECORD_TYPE.deadLetter, encoding: ENCODING_PROTOBUF, body }
}

export function driveAgainRecord(sequence: number): NewRecord {
  const body = wal.DriveAgainRequest.encode({ sequence }).finish()
  return { type: RECORD_TYPE.driveAgain, encoding: ENCODING_PROTOBUF, body }
}

/** The same as decodeMark, of what the state of a log needs. */
export function decodeMarkBrief(record: VisitedRecord): MarkBrief | undefined {
  return record.hasBody ? (markBrief(record) ?? decodeMark(record)) : undefined
}

/** @returns undefined where compaction has dropped the body. */
export function decodeMark({ body }: LogRecord): wal.Mark | undefined {
  return body && wal.Mark.decode(body)
}

/** @returns undefined where compaction has dropped the body. */
export function decodeFence(record: LogRecord): string | undefined {
  return record.body && wal.FenceRequest.decode(record.body).generation
}

/** @returns undefined where compaction has dropped the body. */
export function decodeDeadLetter(record: LogRecord): wal.DeadLetter | undefined {
  return record.body && wal.DeadLetter.decode(record.body)
}

/** @returns undefined where compaction has dropped the body. */
export function decodeDriveAgain(record: LogRecord): number | undefined {
  return record.body && wal.DriveAgainRequest.decode(record.body).sequence
}
