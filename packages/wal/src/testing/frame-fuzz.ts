/*
 * Test support: the frames of a segment with changed bytes, read as recovery reads them. What must hold:
 *
 *   nothing throws, and reading ends;
 *   what is taken for a frame lies in the segment, and is one that was written, byte for byte (unless its CRC32C was made
 *   to fit: then its fields still agree with each other);
 *   a scan shows sequences that grow, and damage and frames that do not overlap.
 */

import { crc32c } from '../crc32c.js'
import { ChainVerifier, decodeFrame, digestMatches, FrameFields, toRecord } from '../decoder.js'
import { encodeGroup, frameBytes } from '../encoder.js'
import type { OpenFile } from '../files.js'
import { decodeSegmentHeader, encodeSegmentHeader, FRAME, newIdentity, ORIGIN } from '../format.js'
import { FrameBytes } from '../frame-bytes.js'
import { FrameScan } from '../scan.js'
import { Chance } from './chance.js'

const IDENTITY = newIdentity((sizeBytes) => new Chance(1).bytes(sizeBytes))
const HEADER = encodeSegmentHeader({ ...IDENTITY, createdMs: 1_767_225_600_000, before: ORIGIN })
/** Beyond the largest frame here: the last of a segment that keeps its length. */
const ZEROS = Buffer.alloc(160)
const CHUNK_BYTES = 256

interface Written {
  readonly bytes: Buffer
  readonly frames: readonly Buffer[]
}

/** One to four groups of one to four records, and perhaps zeros behind them: the same for each kind. */
function written(kind: number): Written {
  const chance = new Chance(kind)
  const parts: Buffer[] = []
  const frames: Buffer[] = []
  let before = ORIGIN
  for (let groups = 1 + chance.below(4); groups > 0; groups -= 1) {
    const records = Array.from({ length: 1 + chance.below(4) }, () => ({
      type: 1 + chance.below(8),
      encoding: chance.below(3),
      body: chance.bytes(chance.below(80)),
    }))
    const group = Buffer.alloc(records.reduce((sum, { body }) => sum + frameBytes(body.length), 0))
    before = encodeGroup(group, records, before, IDENTITY.logSecret, 1_767_225_600_000)
    parts.push(group)
    let start = 0
    for (const { body } of records) {
      frames.push(group.subarray(start, start + frameBytes(body.length)))
      start += frameBytes(body.length)
    }
  }
  return { bytes: Buffer.concat([...parts, ...(chance.happens(0.5) ? [ZEROS] : [])]), frames }
}

const KINDS = Array.from({ length: 64 }, (_, kind) => written(kind))

/**
 * Changed frames of a segment. The first two bytes say which segment it was (below 64: frames; else a segment's header),
 * and whether checksums were made to fit.
 */
export function frameInput(seed: number): Buffer {
  const chance = new Chance(seed)
  if (chance.happens(0.1)) return Buffer.concat([Buffer.from([64, 0]), changed(HEADER, chance, 1)])
  const kind = chance.below(KINDS.length)
  const { bytes } = KINDS[kind] as Written
  const isMended = chance.happens(0.5)
  const other = changed(bytes, chance, 1 + chance.below(4))
  if (isMended) mendChecksums(other)
  return Buffer.concat([Buffer.from([kind, Number(isMended)]), other])
}

function changed(original: Buffer, chance: Chance, changes: number): Buffer {
  let bytes: Buffer = Buffer.from(original)
  for (let left = changes; left > 0; left -= 1) bytes = oneChange(bytes, chance)
  return bytes
}

function oneChange(bytes: Buffer, chance: Chance): Buffer {
  const at = chance.below(bytes.length + 1)
  const to = Math.min(bytes.length, at + 1 + chance.below(chance.happens(0.2) ? 200 : 8))
  const [head, middle, tail] = [bytes.subarray(0, at), bytes.subarray(at, to), bytes.subarray(to)]
  switch (chance.below(8)) {
    case 0:
      return Buffer.concat([head, middle.map((byte) => byte ^ (1 << chance.below(8))), tail])
    case 1:
      return Buffer.concat([head, chance.bytes(middle.length), tail])
    case 2:
      return Buffer.concat([head, Buffer.alloc(middle.length), tail])
    case 3:
      return Buffer.concat([head, Buffer.alloc(middle.length, 0xff), tail])
    case 4:
      return Buffer.concat([head, tail])
    case 5:
      return Buffer.concat([head, middle, middle, tail])
    case 6:
      return Buffer.from(head)
    default:
      return Buffer.concat([head, IDENTITY.logSecret, tail])
  }
}

/** Wherever a frame seems to begin, with a length that fits: its CRC32C. */
function mendChecksums(bytes: Buffer): void {
  for (
    let found = bytes.indexOf(IDENTITY.logSecret);
    found >= 0;
    found = bytes.indexOf(IDENTITY.logSecret, found + 1)
  ) {
    const start = found - FRAME.logSecret
    if (start < 0) continue
    const end = start + FRAME.body + bytes.readUInt32LE(start + FRAME.storedLength)
    if (end <= bytes.length) {
      bytes.writeUInt32LE(crc32c(bytes.subarray(start + FRAME.storedLength, end)), start + FRAME.crc)
    }
  }
}

/** Reads an input of frameInput. @returns what was found. @throws Error where a promise is broken */
export async function feedFrames(input: Buffer): Promise<string> {
  const bytes = Buffer.from(input.subarray(2))
  const kind = KINDS[input[0] ?? 0]
  if (!kind) return feedHeader(bytes)
  const isMended = input[1] === 1
  decodeAnywhere(bytes, isMended ? undefined : kind.frames)
  const shown = await scan(bytes)
  return `${isMended ? 'mended: ' : ''}${shown} of ${kind.frames.length === shown ? 'all' : 'them'}`.replace(
    /\d+/,
    (count) => (count === '0' ? 'none' : 'some'),
  )
}

function feedHeader(block: Buffer): string {
  const header = decodeSegmentHeader(block)
  if (header === undefined) return 'no header'
  if ('version' in header) return 'another version'
  check(block.subarray(0, HEADER.length).equals(HEADER), 'a header is taken as it was written')
  return 'a header'
}

/** At every place, as after damage. */
function decodeAnywhere(bytes: Buffer, originals: readonly Buffer[] | undefined): void {
  const frames = new FrameBytes(bytes)
  const fields = new FrameFields()
  const chain = new ChainVerifier(ORIGIN.chain)
  for (let at = 0; at < bytes.length; ) {
    const status = decodeFrame(frames, at, bytes.length - at, IDENTITY.logSecret, fields)
    check(status !== 'incomplete', 'all bytes are there')
    if (status !== 'frame') {
      at += 1
      continue
    }
    check(at + fields.frameBytes <= bytes.length, 'a frame lies in its segment')
    const record = toRecord(bytes, at, fields)
    check(
      record.body === undefined || record.body.length === fields.bodyLength,
      'a body is as long as it says',
    )
    digestMatches(bytes, at, fields)
    if (chain.follows(frames, at)) chain.accept(frames, at)
    const frame = bytes.subarray(at, at + fields.frameBytes)
    check(originals?.some((original) => original.equals(frame)) ?? true, 'a frame is taken as it was written')
    at += fields.frameBytes
  }
}

/** @returns how many records a scan shows */
async function scan(bytes: Buffer): Promise<number> {
  let last = 0
  let covered = 0
  let shown = 0
  const options = {
    ...{ start: 0, end: bytes.length, before: ORIGIN, logSecret: IDENTITY.logSecret, sequenceMax: 1_000_000 },
    ...{ checkDigests: true, checkChain: true, chunkBytes: CHUNK_BYTES, reuseBuffers: true },
  }
  const found = await new FrameScan(fileOver(bytes), options, {
    frame(_bytes, _offset, position, fields) {
      check(fields.sequence > last, 'sequences grow')
      check(position >= covered, 'frames and damage do not overlap')
      last = fields.sequence
      covered = position + fields.frameBytes
      shown += 1
    },
    damage({ start, end }) {
      // Of no length: records are missing here, and bytes are not.
      check(start >= covered && end >= start && end <= bytes.length, 'damage lies where nothing else does')
      covered = end
    },
  }).run()
  check(found.frames === shown, 'what is accepted is shown')
  return shown
}

export function fileOver(bytes: Buffer): OpenFile {
  const unused = (): Promise<never> => Promise.reject(new Error('the file is only read'))
  return {
    read: (target, position) => Promise.resolve(bytes.copy(target, 0, position)),
    size: () => Promise.resolve(bytes.length),
    close: () => Promise.resolve(),
    ...{ write: unused, datasync: unused, truncate: unused },
  }
}

function check(holds: boolean, promise: string): void {
  if (!holds) throw new Error(`broken: ${promise}`)
}
