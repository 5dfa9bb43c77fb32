import type { ingest, wal } from '@fractal-lba/proto'
import type { LogRecord } from '@fractal-lba/wal'

/** What the types of records in the wal service's log are; the numbers stand on the disk. */
export const RECORD_TYPE = { submission: 1, mark: 2, fence: 3, 'dead-letter': 4, 'drive-again': 5 } as const

/** As flk.verifier.v1.Encoding numbers them. */
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
export type ReadMark = Omit<wal.Mark, 'verdict'> & { readonly verdict: wal.Verdict | undefined }

/** Reads bodies; each gives `undefined` when the body was dropped by compaction or is no such message. */
export interface BodyReader {
  mark(record: Pick<LogRecord, 'body'>): ReadMark | undefined
  /** The generation that a fence begins. */
  fence(record: Pick<LogRecord, 'body'>): string | undefined
  deadLetter(record: Pick<LogRecord, 'body'>): wal.DeadLetter | undefined
  /** The submission that is tried again. */
  driveAgain(record: Pick<LogRecord, 'body'>): number | undefined
  pcsRecord(body: Uint8Array): ingest.PcsRecord | undefined
}

/** Loads the generated messages, and gRPC with them: only where a log is read. */
export async function loadBodyReader(): Promise<BodyReader> {
  const { ingest, verdictFromBytes, wal } = await import('@fractal-lba/proto')
  const readMark = (body: Buffer): ReadMark => {
    const mark = wal.Mark.decode(body)
    return { ...mark, verdict: verdictFromBytes(mark.verdict) }
  }
  return {
    mark: ({ body }) => body && decoded(() => readMark(body)),
    fence: ({ body }) => body && decoded(() => wal.FenceRequest.decode(body).generation),
    deadLetter: ({ body }) => body && decoded(() => wal.DeadLetter.decode(body)),
    driveAgain: ({ body }) => body && decoded(() => wal.DriveAgainRequest.decode(body).sequence),
    pcsRecord: (body) => decoded(() => ingest.PcsRecord.decode(body)),
  }
}

/** The decoder throws plain errors for whatever it cannot read: a hostile submission, or a type of later days. */
function decoded<Message>(decode: () => Message): Message | undefined {
  try {
    return decode()
  } catch (error) {
    if (error instanceof Error) return undefined
    throw error
  }
}
