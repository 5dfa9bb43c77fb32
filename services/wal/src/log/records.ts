import {
  type EncodedLogRecord,
  type log,
  logRecords,
  LOG_RECORD_TYPE as RECORD_TYPE,
} from '@fractal-lba/proto'
import type { CallContext } from '@fractal-lba/runtime'
import type { RecoveredRecord, StoredRecord } from './log-backend.js'
import { encodeMarkBrief, type MarkBrief, markBrief } from './mark-brief.js'
import type { DeadLetter, FencedLogs, Mark, NewSubmission, StoredMark } from './submission-log.js'

export type { EncodedLogRecord as EncodedRecord } from '@fractal-lba/proto'
export { RECORD_TYPE }

/** @param context the trace of the request that brought it: a replay is linked to it. */
export function submissionRecord(
  { body, encoding, arrivedAtMs }: NewSubmission,
  context: CallContext | undefined,
): EncodedLogRecord {
  return logRecords.submission.encode({ body, encoding, arrivedAtMs, context })
}

export function markRecord({
  sequence,
  status,
  verdict,
  indexed,
  generation,
  replayed,
}: Mark): EncodedLogRecord {
  const copiedFrom = undefined
  return logRecords.mark.encode({ sequence, status, verdict, indexed, generation, replayed, copiedFrom })
}

export function copiedMarkRecord(
  logId: string,
  { sequence, flushedAtMs, mark }: StoredMark,
): EncodedLogRecord {
  return logRecords.mark.encode({ ...mark, sequence: 0, copiedFrom: { logId, sequence, flushedAtMs } })
}

export function fenceRecord(
  generation: string,
  { indexLogIds, retiredLogIds }: FencedLogs,
): EncodedLogRecord {
  return logRecords.fence.encode({
    generation,
    indexLogIds: [...indexLogIds],
    retiredLogIds: [...retiredLogIds],
  })
}

export function drainRecord(draining: boolean): EncodedLogRecord {
  return logRecords.drain.encode({ draining })
}

export function deadLetterRecord(letter: DeadLetter): EncodedLogRecord {
  return logRecords.deadLetter.encode(letter)
}

export function redriveRecord(sequence: number): EncodedLogRecord {
  return logRecords.redrive.encode({ sequence })
}

/** The same as decodeMark, of what the state of a log needs. */
export function decodeMarkBrief(record: RecoveredRecord): MarkBrief | undefined {
  if (!record.hasBody) return undefined
  const { bodyLength, briefLength } = record
  const bytes =
    briefLength === undefined
      ? record
      : { bodyLength: briefLength, bodyByte: (index: number) => record.bodyByte(index) }
  return (bodyLength > 0 ? markBrief(bytes) : undefined) ?? decodeMark(record)
}

const NOTHING = new Uint8Array()

/** What a log keeps of a body for its next opening: what `LogState` looks at. */
export function briefOf(type: number, body: Buffer): Uint8Array {
  if (type === RECORD_TYPE.submission) return NOTHING
  if (type !== RECORD_TYPE.mark) return body
  const brief = markBrief({ bodyLength: body.length, bodyByte: (index) => body[index] })
  return brief ? encodeMarkBrief(brief) : body
}

export function clockRecord(kind: log.Clock_Kind): EncodedLogRecord {
  return logRecords.clock.encode({ kind })
}

// Each of these gives undefined where the body was dropped.

export function decodeSubmission(record: StoredRecord): log.Submission | undefined {
  return logRecords.submission.decode(record)
}

export function decodeMark(record: StoredRecord): log.Mark | undefined {
  return logRecords.mark.decode(record)
}

export function decodeFence(record: StoredRecord): log.Fence | undefined {
  return logRecords.fence.decode(record)
}

export function decodeDrain(record: StoredRecord): boolean | undefined {
  return logRecords.drain.decode(record)?.draining
}

export function decodeDeadLetter(record: StoredRecord): DeadLetter | undefined {
  return logRecords.deadLetter.decode(record)
}

export function decodeRedrive(record: StoredRecord): number | undefined {
  return logRecords.redrive.decode(record)?.sequence
}

export function decodeClock(record: StoredRecord): log.Clock_Kind | undefined {
  return logRecords.clock.decode(record)?.kind
}
