import type { ingest, log, record } from '@fractal-lba/proto'
import type { LogRecord } from '@fractal-lba/wal'

/**
 * What the types of records in the wal service's log are, under the names that these tools print: the numbers of
 * LOG_RECORD_TYPE, which would load all messages to be asked.
 */
export const RECORD_TYPE = {
  submission: 6,
  mark: 2,
  fence: 3,
  'dead-letter': 4,
  'drive-again': 5,
  clock: 7,
} as const

/** As flk.record.v1.Encoding numbers them. */
export const ENCODING = { json: 1, protobuf: 2 } as const

/** The name of a record's type; of one that this program does not know, `type-` and its number. */
export function typeName(type: number): string {
  return Object.entries(RECORD_TYPE).find(([, number]) => number === type)?.[0] ?? `type-${type}`
}

/** The name of a body's encoding, or its number. */
export function encodingName(encoding: number): string {
  return Object.entries(ENCODING).find(([, number]) => number === encoding)?.[0] ?? String(encoding)
}

/** A mark with its verdict read. */
export type ReadMark = Omit<log.Mark, 'verdict'> & { readonly verdict: record.Verdict | undefined }

/** Reads bodies; each gives `undefined` when the body was dropped by compaction or is no such message. */
export interface BodyReader {
  submission(record: Pick<LogRecord, 'body'>): log.Submission | undefined
  mark(record: Pick<LogRecord, 'body'>): ReadMark | undefined
  /** The generation that a fence begins. */
  fence(record: Pick<LogRecord, 'body'>): string | undefined
  deadLetter(record: Pick<LogRecord, 'body'>): log.DeadLetter | undefined
  /** The submission that is tried again. */
  redrive(record: Pick<LogRecord, 'body'>): number | undefined
  /** What a log says of its clock. */
  clock(record: Pick<LogRecord, 'body'>): 'unconfirmed' | 'confirmed' | 'running' | undefined
  pcsRecord(body: Uint8Array): ingest.PcsRecord | undefined
}

/** By the numbers of Clock.Kind. */
const clockKinds = [undefined, 'unconfirmed', 'confirmed', 'running'] as const

/** Loads the generated messages, and gRPC with them: only where a log is read. */
export async function loadBodyReader(): Promise<BodyReader> {
  const { ingest, logRecords, verdictFromBytes } = await import('@fractal-lba/proto')
  const readMark = (mark: log.Mark | undefined): ReadMark | undefined =>
    mark && { ...mark, verdict: verdictFromBytes(mark.verdict) }
  return {
    submission: (record) => decoded(() => logRecords.submission.decode(record)),
    mark: (record) => decoded(() => readMark(logRecords.mark.decode(record))),
    fence: (record) => decoded(() => logRecords.fence.decode(record)?.generation),
    deadLetter: (record) => decoded(() => logRecords.deadLetter.decode(record)),
    redrive: (record) => decoded(() => logRecords.redrive.decode(record)?.sequence),
    clock: (record) => decoded(() => clockKinds[logRecords.clock.decode(record)?.kind ?? 0]),
    pcsRecord: (body) => decoded(() => ingest.PcsRecord.decode(body)),
  }
}

/** The decoder throws a plain Error for what it cannot read: a hostile submission, or a message of a newer version. */
function decoded<Message>(decode: () => Message): Message | undefined {
  try {
    return decode()
  } catch (error) {
    if (error instanceof Error) return undefined
    throw error
  }
}
