import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { smallRecordBytes } from '@fractal-lba/agent/testing'
import { bytesOfVerdict, type log, logRecords } from '@fractal-lba/proto'
import { type CompactableLog, type NewRecord, openLog } from '@fractal-lba/wal'
import { ENCODING, type ReadMark } from '../record-bodies.js'

/** Opens a log of small segments, as the wal service would. */
export function openWal(directory: string): Promise<CompactableLog> {
  return openLog(directory, {
    segmentBytes: 16_384,
    onFatal: (error) => {
      throw error
    },
  })
}

export function submission(
  body: Uint8Array,
  encoding: number = ENCODING.json,
  envelope: Partial<Pick<log.Submission, 'arrivedAtMs' | 'context'>> = {},
): NewRecord {
  return logRecords.submission.encode({
    body: Buffer.from(body),
    encoding,
    arrivedAtMs: 0,
    context: undefined,
    ...envelope,
  })
}

export function markRecord(mark: Partial<ReadMark> & Pick<ReadMark, 'sequence' | 'status'>): NewRecord {
  const nothing = { indexed: false, generation: '', replayed: false, copiedFrom: undefined }
  const verdict = mark.verdict && bytesOfVerdict(mark.verdict)
  return logRecords.mark.encode({ ...nothing, ...mark, verdict })
}

export function fenceRecord(generation: string): NewRecord {
  return logRecords.fence.encode({ indexLogIds: [], retiredLogIds: [], generation })
}

export function deadLetterRecord(letter: log.DeadLetter): NewRecord {
  return logRecords.deadLetter.encode(letter)
}

export function redriveRecord(sequence: number): NewRecord {
  return logRecords.redrive.encode({ sequence })
}

/** A closed log of so many submissions, each in a flush group of its own; gives its newest chain. */
export async function writeSubmissions(directory: string, count: number): Promise<string> {
  const log = await openWal(directory)
  for (let number = 1; number <= count; number++) await log.append([submission(smallRecordBytes(number))])
  const { chain } = log.head()
  await log.close()
  return chain
}

/** Flips one bit of a file. */
export function flipBit(directory: string, name: string, offset: number): void {
  const path = join(directory, name)
  const content = readFileSync(path)
  content.writeUInt8(content.readUInt8(offset) ^ 1, offset)
  writeFileSync(path, content)
}
