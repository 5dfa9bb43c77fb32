import { toRecord } from './decoder.js'
import { systemCode, WalError } from './errors.js'
import type { WalEvent } from './events.js'
import type { Files } from './files.js'
import type { LogRecord } from './record.js'
import { FrameScan } from './scan.js'
import type { Segment } from './segment.js'

export interface ReaderOptions {
  readonly files: Files
  readonly logSecret: Buffer
  /** in order of their sequences; may grow at the end while a read is under way */
  readonly segments: readonly Segment[]
  readonly onEvent: (event: WalEvent) => void
}

export interface ReadRange {
  readonly from: number
  /** included */
  readonly to: number
  readonly batchRecordsMax: number
  readonly batchBytesMax: number
  /** `undefined`: all */
  readonly types?: ReadonlySet<number> | undefined
}

/** The flushed records of a range in order, in batches; damaged records are left out and reported as events. */
export async function* readRecords(options: ReaderOptions, range: ReadRange): AsyncGenerator<LogRecord[]> {
  let from = range.from
  while (from <= range.to) {
    const segment = segmentFor(options.segments, from)
    if (segment === undefined) return
    const to = Math.min(range.to, segment.lastSequence)
    try {
      for await (const batch of readSegment(options, segment, { ...range, from, to })) yield batch
    } catch (error) {
      // retention removed it before it was opened: its records are gone, on purpose
      if (!segment.removed || systemCode(error) !== 'ENOENT') throw error
    }
    from = to + 1
  }
}

/** The segment that holds the sequence, or else the first one beyond it. */
function segmentFor(segments: readonly Segment[], sequence: number): Segment | undefined {
  let low = 0
  let high = segments.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((segments[middle]?.lastSequence ?? 0) < sequence) low = middle + 1
    else high = middle
  }
  return segments[low]
}

async function* readSegment(
  options: ReaderOptions,
  segment: Segment,
  range: ReadRange,
): AsyncGenerator<LogRecord[]> {
  const { file, place } = await segment.open(options.files, () => ({
    ...segment.startFor(range.from),
    end: segment.endFor(range.to),
    sequenceMax: segment.lastSequence,
  }))
  let batch: LogRecord[] = []
  const scan = new FrameScan(
    file,
    {
      ...place,
      start: place.offset,
      logSecret: options.logSecret,
      checkDigests: true,
      types: range.types,
      // followed when the log was opened; in a quarantined segment it decides what is intact, as it did then
      checkChain: segment.quarantined,
      chunkBytes: range.batchBytesMax,
      reuseBuffers: false,
    },
    {
      frame(bytes, offset, _position, fields) {
        if (fields.sequence < range.from || fields.sequence > range.to) return
        batch.push(toRecord(bytes, offset, fields))
      },
      damage(damage) {
        if (segment.quarantined) return // reported when the log was opened
        options.onEvent({
          type: 'damage_read',
          segment: segment.name,
          offset: damage.start,
          afterSequence: damage.afterSequence,
          reason: damage.reason,
        })
      },
    },
  )
  try {
    while (await scan.next()) {
      for (let index = 0; index < batch.length; index += range.batchRecordsMax) {
        yield batch.slice(index, index + range.batchRecordsMax)
      }
      batch = []
    }
  } finally {
    await scan.settle()
    await file.close()
  }
}

/** One record; `undefined` when the log does not hold it, or holds it damaged. */
export async function readOneRecord(
  options: ReaderOptions,
  sequence: number,
): Promise<LogRecord | undefined> {
  if (!Number.isSafeInteger(sequence) || sequence < 1) {
    throw new WalError('invalid', 'A sequence is an integer from 1 on.')
  }
  const range = { from: sequence, to: sequence, batchRecordsMax: 1, batchBytesMax: 1 << 20 }
  for await (const [record] of readRecords(options, range)) {
    if (record?.sequence === sequence) return copyOf(record)
  }
  return undefined
}

/** A single record does not keep the chunk alive that it was read in. */
function copyOf(record: LogRecord): LogRecord {
  return {
    ...record,
    body: record.body && Buffer.from(record.body),
    digest: Buffer.from(record.digest),
    chain: Buffer.from(record.chain),
  }
}
