/*
 * Making a log smaller. Only sealed, sound segments are touched, one at a time.
 *
 * Dropping bodies: the segment is copied to `<name>.compact`, frame by frame, dropped bodies left out (state
 * 1, new CRC; header, digest and chain as they were), flushed, and renamed over the old one; the directory is
 * flushed. A crash leaves the one or the other. Everything is checked on the way, so that no damage is
 * copied under a new CRC.
 *
 * Removing the oldest: whole segments, from the oldest on, the directory flushed after each, so that a crash
 * never leaves a gap.
 */

import { crc32c } from './crc32c.js'
import { type FrameFields, toRecord } from './decoder.js'
import { isNoSpace, WalError } from './errors.js'
import { type Files, type OpenFile, readFully, withFile, writeFully } from './files.js'
import { BODY_DROPPED, FRAME, SEGMENT_HEADER_BYTES } from './format.js'
import type { LogRecord } from './record.js'
import { FrameScan } from './scan.js'
import { type Segment, SegmentIndex } from './segment.js'

/** Read and written at a time: small, so that appends go on meanwhile. */
const CHUNK_BYTES = 256 * 1024
/** Flushed at a time, so that a group's flush never waits behind a whole segment. */
const FLUSH_BYTES = 4 << 20

export interface CompactionResult {
  /** bodies dropped now */
  readonly dropped: number
  readonly freedBytes: number
}

export interface CompactionOptions {
  readonly files: Files
  readonly directory: string
  readonly logSecret: Buffer
}

/** A compacted copy beside its segment, flushed, but not yet in its place. */
export interface CompactedCopy extends CompactionResult {
  readonly path: string
  readonly index: SegmentIndex
}

/**
 * Writes a copy of the segment without the bodies that `drop` names. Gives `undefined`, and leaves no file,
 * when there is nothing to drop. Rejects with `damaged` or `out_of_space`, leaving no file either; any other
 * rejection is a fault of the disk.
 */
export async function writeCompactedCopy(
  { files, logSecret }: CompactionOptions,
  segment: Segment,
  drop: (record: LogRecord) => boolean,
): Promise<CompactedCopy | undefined> {
  const path = `${segment.path}.compact`
  const index = new SegmentIndex()
  let dropped = 0
  try {
    const sizes = await withFile(files, segment.path, 'read', (source) =>
      withFile(files, path, 'create', async (target) => {
        const copy = new FrameCopy(target, index, drop)
        await copy.header(source)
        const scan = newScan(source, segment, logSecret, copy)
        try {
          while (await scan.next()) await copy.write()
        } finally {
          await scan.settle()
        }
        if (copy.refusal !== undefined) throw copy.refusal
        if (copy.damaged || scan.frames !== segment.frames) throw damagedError(segment)
        await copy.flush()
        dropped = copy.dropped
        return { before: await source.size(), after: await target.size() }
      }),
    )
    if (dropped > 0) return { path, index, dropped, freedBytes: sizes.before - sizes.after }
    await files.unlink(path)
    return undefined
  } catch (error) {
    if (!isNoSpace(error) && !(error instanceof WalError)) throw error
    await files.unlink(path)
    if (error instanceof WalError) throw error
    throw new WalError('out_of_space', `There is no room for a compacted copy of ${segment.name}.`, error)
  }
}

function newScan(source: OpenFile, segment: Segment, logSecret: Buffer, copy: FrameCopy): FrameScan {
  const { offset: start, before } = segment.startFor(segment.firstSequence)
  const range = { start, end: segment.readableEnd, before, logSecret, sequenceMax: segment.lastSequence }
  const checks = { checkDigests: true, checkChain: true }
  return new FrameScan(source, { ...range, ...checks, chunkBytes: CHUNK_BYTES, reuseBuffers: true }, copy)
}

function damagedError({ name }: Segment): WalError {
  return new WalError(
    'damaged',
    `${name} is damaged and stays as it is; open the log again to quarantine it.`,
  )
}

/** Takes the frames of a scan and writes them to a new segment. */
class FrameCopy {
  damaged = false
  dropped = 0
  /** what `drop` threw */
  refusal: WalError | undefined
  readonly #target: OpenFile
  readonly #index: SegmentIndex
  readonly #drop: (record: LogRecord) => boolean
  #frames: Buffer[] = []
  #position = SEGMENT_HEADER_BYTES
  #written = SEGMENT_HEADER_BYTES
  #unflushed = SEGMENT_HEADER_BYTES

  constructor(target: OpenFile, index: SegmentIndex, drop: (record: LogRecord) => boolean) {
    this.#target = target
    this.#index = index
    this.#drop = drop
  }

  async header(source: OpenFile): Promise<void> {
    const block = Buffer.alloc(SEGMENT_HEADER_BYTES)
    await readFully(source, block, 0)
    await writeFully(this.#target, block, 0)
  }

  frame(bytes: Buffer, offset: number, _position: number, fields: FrameFields): void {
    const frame = bytes.subarray(offset, offset + fields.frameBytes)
    const drops = fields.state !== BODY_DROPPED && this.#wantsDropped(toRecord(bytes, offset, fields))
    const copied = drops ? withoutBody(frame) : Buffer.from(frame)
    if (drops) this.dropped += 1
    this.#index.note(fields.sequence, this.#position, copied.length)
    this.#frames.push(copied)
    this.#position += copied.length
  }

  /** An owner that throws is not a fault of the disk: it stops this compaction, not the log. */
  #wantsDropped(record: LogRecord): boolean {
    try {
      return this.refusal === undefined && this.#drop(record)
    } catch (cause) {
      this.refusal = new WalError(
        'invalid',
        `Whether to drop record ${record.sequence} could not be decided.`,
        cause,
      )
      return false
    }
  }

  damage(): void {
    this.damaged = true
  }

  /** Writes what was taken since the last time. */
  async write(): Promise<void> {
    if (this.#frames.length === 0) return
    const bytes = Buffer.concat(this.#frames)
    this.#frames = []
    await writeFully(this.#target, bytes, this.#written)
    this.#written += bytes.length
    this.#unflushed += bytes.length
    if (this.#unflushed >= FLUSH_BYTES) await this.flush()
  }

  async flush(): Promise<void> {
    await this.#target.datasync()
    this.#unflushed = 0
  }
}

function withoutBody(frame: Buffer): Buffer {
  const dropped = Buffer.from(frame.subarray(0, FRAME.body))
  dropped.writeUInt32LE(0, FRAME.storedLength)
  dropped.writeUInt8(BODY_DROPPED, FRAME.state)
  dropped.writeUInt32LE(crc32c(dropped.subarray(FRAME.storedLength)), FRAME.crc)
  return dropped
}

/** Puts the copy in the segment's place; readers wait for that. A rejection is a fault of the disk. */
export async function replaceByCopy(
  { files, directory }: CompactionOptions,
  segment: Segment,
  copy: CompactedCopy,
): Promise<void> {
  await segment.replace(copy.index, async () => {
    await files.rename(copy.path, segment.path)
    await files.syncDirectory(directory)
  })
}
