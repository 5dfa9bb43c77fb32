/*
 * THE LOG ON DISK, version 1. All numbers are little endian and unsigned.
 *
 * A log is a directory:
 *
 *   <first>.seg                 a segment; <first> is the sequence of its first record, 16 lower-case hex digits
 *   <first>.seg.quarantined     a segment that was found damaged (then .quarantined-2, …); read, never written
 *   <first>.seg.torn            bytes cut off the end of that segment (then .torn-2, …); for people, never read
 *   <first>.seg.compact         a compacted copy not yet in place; removed at opening
 *   <first>.seg.checkpoint      what opening needs of a sealed segment (checkpoint.ts); may be removed at any time
 *   next.tmp                    the next segment while it is prepared; removed at opening
 *   lock.<16 hex>               sockets of the processes that hold or want the log (lock.ts)
 *   owner                       the node whose process holds the log, where other nodes may mount it (owner.ts)
 *
 * SEGMENT = header (4096 bytes), frames, zeros to the end of the file.
 *
 *   offset  bytes
 *        0      8  magic "FLBA-WAL"
 *        8      1  version, 1
 *        9      7  log secret: random bytes, none of them zero, made once for each log and never published
 *       16     16  log id: random bytes, made once for each log
 *       32      8  sequence of the first record
 *       40      8  creation time, wall clock, ms
 *       48     32  chain so far: the chain of the record before the first (zeros before record 1)
 *       80      8  group so far: the group number of the record before the first (0 before record 1)
 *       88   4004  zeros, reserved
 *     4092      4  CRC32C of bytes 0 to 4091
 *
 * The header has a block of its own, so that writing frames never rewrites it. Magic, version, log secret and
 * CRC stay where they are in later versions.
 *
 * FRAME = prefix (20 bytes), hashed header (32), body digest (32), chain (32), stored body. No padding.
 *
 *   offset  bytes
 *        0      4  CRC32C of the rest of the frame: from offset 4 to the end of the stored body
 *        4      4  stored length of the body: its length, or 0 where it was dropped
 *        8      2  place in the group: 0 for the first record of a flush group
 *       10      2  records in the group, at least 1
 *       12      1  state: 0 body present, 1 body dropped by compaction
 *       13      7  the log secret
 *       20      1  record type, 1 to 255                                     ┐
 *       21      1  body encoding, as its writer numbers them                 │
 *       22      2  flags, zero                                               │ hashed
 *       24      4  original length of the body                               │ header
 *       28      8  sequence: from 1, +1 for each record                      │
 *       36      8  group: from 1, +1 for each flush                          │
 *       44      8  time of the append, wall clock, ms                        ┘
 *       52     32  SHA-256(body)
 *       84     32  chain = SHA-256(chain of the record before ‖ hashed header ‖ SHA-256(body))
 *      116      n  body
 *
 * - Unwritten rest: zeros. The log secret has no zero byte, so nothing that is zero there is a frame.
 * - The log secret is secret because bodies come from outside: a sender who does not know it cannot put bytes into a body
 *   that a search for the next intact frame (after damage) would take for a frame.
 * - Place and size of the group tell a torn write from damage: a group starts at sequence − place. If that
 *   is beyond the damaged record, the damaged record's group had been flushed before: not torn (recovery.ts).
 *   A group never spans two segments.
 * - The prefix is not hashed, so compaction may drop a body (state 1, stored length 0, new CRC) while digest
 *   and chain stay as they were and stay verifiable.
 * - A segment is followed by one whose <first> is its last sequence + 1 and whose header repeats the last
 *   chain and group. Otherwise one of them was cut, or is missing. The log may begin at any sequence:
 *   retention removes whole segments, from the oldest on.
 *
 * WRITING. A segment is prepared as `next.tmp`: zeros are written over its whole length and flushed, so that
 * later appends need neither room nor metadata. To use it: header written, flushed, file renamed, directory
 * flushed; then its first group. When the next one is in place, the sealed segment is truncated to the end of
 * its frames and flushed (a crash before that leaves zeros there, which is as good). The last segment
 * keeps its length. One flush group is one write and one fdatasync. A write may be torn anywhere inside the
 * range written; bytes outside it are taken to stay as they are (drives that do not keep that are outside
 * the promise).
 *
 * COMPACTION rewrites a sealed segment, never the last: `<first>.seg.compact` is written beside it (same
 * header, all frames, dropped bodies in state 1), flushed, renamed over `<first>.seg`, directory flushed. A
 * crash leaves either the old segment or the new one. A quarantined segment is never compacted.
 */

import { randomBytes } from 'node:crypto'
import { crc32c } from './crc32c.js'
import { FrameBytes } from './frame-bytes.js'

export const FORMAT_VERSION = 1
export const SEGMENT_HEADER_BYTES = 4096
/** Bytes of a frame beyond its stored body. */
export const FRAME_OVERHEAD_BYTES = 116
export const LOG_SECRET_BYTES = 7
export const LOG_ID_BYTES = 16
export const DIGEST_BYTES = 32

/** Offsets inside a frame. */
export const FRAME = {
  crc: 0,
  storedLength: 4,
  place: 8,
  groupSize: 10,
  state: 12,
  logSecret: 13,
  prefixEnd: 20,
  type: 20,
  encoding: 21,
  flags: 22,
  bodyLength: 24,
  sequence: 28,
  group: 36,
  timeMs: 44,
  digest: 52,
  chain: 84,
  body: 116,
} as const

export const BODY_PRESENT = 0
export const BODY_DROPPED = 1

const MAGIC = Buffer.from('FLBA-WAL', 'latin1')
const HEADER = {
  version: 8,
  logSecret: 9,
  logId: 16,
  first: 32,
  createdMs: 40,
  chain: 48,
  group: 80,
  crc: 4092,
} as const

/** What all segments of a log share. */
export interface LogIdentity {
  /** 16 bytes */
  readonly logId: Buffer
  /** 7 bytes, none zero */
  readonly logSecret: Buffer
}

/** The state of a log after a record, on which the next one builds. */
export interface LogPoint {
  readonly sequence: number
  readonly group: number
  /** 32 bytes */
  readonly chain: Buffer
}

export interface SegmentHeader extends LogIdentity {
  readonly createdMs: number
  /** the point before the segment's first record */
  readonly before: LogPoint
}

/** Where a log begins: before record 1. */
export const ORIGIN: LogPoint = { sequence: 0, group: 0, chain: Buffer.alloc(DIGEST_BYTES) }

/** A new log's identity. */
export function newIdentity(random: (sizeBytes: number) => Buffer = randomBytes): LogIdentity {
  return {
    logId: random(LOG_ID_BYTES),
    logSecret: Buffer.from(random(LOG_SECRET_BYTES).map((byte) => byte || 0xa5)),
  }
}

export function encodeSegmentHeader(header: SegmentHeader): Buffer {
  const block = Buffer.alloc(SEGMENT_HEADER_BYTES)
  const numbers = new FrameBytes(block)
  MAGIC.copy(block)
  block.writeUInt8(FORMAT_VERSION, HEADER.version)
  header.logSecret.copy(block, HEADER.logSecret)
  header.logId.copy(block, HEADER.logId)
  numbers.setU64(HEADER.first, header.before.sequence + 1)
  numbers.setU64(HEADER.createdMs, header.createdMs)
  header.before.chain.copy(block, HEADER.chain)
  numbers.setU64(HEADER.group, header.before.group)
  block.writeUInt32LE(crc32c(block.subarray(0, HEADER.crc)), HEADER.crc)
  return block
}

/** The header in a segment's first block; `undefined` when it is not one, the version when it is a newer one. */
export function decodeSegmentHeader(block: Buffer): SegmentHeader | { readonly version: number } | undefined {
  if (block.length < SEGMENT_HEADER_BYTES || !block.subarray(0, MAGIC.length).equals(MAGIC)) return undefined
  if (block.readUInt32LE(HEADER.crc) !== crc32c(block.subarray(0, HEADER.crc))) return undefined
  const version = block.readUInt8(HEADER.version)
  if (version !== FORMAT_VERSION) return { version }
  const logSecret = copyOf(block, HEADER.logSecret, LOG_SECRET_BYTES)
  const numbers = new FrameBytes(block)
  const first = numbers.u64(HEADER.first)
  if (logSecret.includes(0) || first < 1) return undefined
  return {
    logSecret,
    logId: copyOf(block, HEADER.logId, LOG_ID_BYTES),
    createdMs: numbers.u64(HEADER.createdMs),
    before: {
      sequence: first - 1,
      group: numbers.u64(HEADER.group),
      chain: copyOf(block, HEADER.chain, DIGEST_BYTES),
    },
  }
}

function copyOf(source: Buffer, start: number, sizeBytes: number): Buffer {
  return Buffer.from(source.subarray(start, start + sizeBytes))
}

/** The file name of the segment that begins with that sequence. */
export function segmentName(firstSequence: number): string {
  return `${firstSequence.toString(16).padStart(16, '0')}.seg`
}

export interface SegmentFileName {
  readonly firstSequence: number
  readonly quarantined: boolean
}

/** What a segment's file name states, also that of a quarantined one. */
export function parseSegmentName(name: string): SegmentFileName | undefined {
  const parts = /^([0-9a-f]{16})\.seg(\.quarantined(?:-[0-9]+)?)?$/.exec(name)
  const firstSequence = Number.parseInt(parts?.[1] ?? '', 16)
  if (parts === null || !Number.isSafeInteger(firstSequence) || firstSequence < 1) return undefined
  return { firstSequence, quarantined: parts[2] !== undefined }
}

export const PREPARED_NAME = 'next.tmp'

/** The file by which other nodes are kept away. */
export const OWNER_NAME = 'owner'

/** Files that a crash leaves and that opening removes. */
export function isLeftover(name: string): boolean {
  return name === PREPARED_NAME || /^[0-9a-f]{16}\.seg\.(?:compact|checkpoint\.tmp)$/.test(name)
}

/** The file name of a segment's checkpoint. */
export function checkpointName(segment: string): string {
  return `${segment}.checkpoint`
}

/** The segment that a file of that name is the checkpoint of. */
export function segmentOfCheckpoint(name: string): string | undefined {
  return /^([0-9a-f]{16}\.seg)\.checkpoint$/.exec(name)?.[1]
}

/** `name`, or the first of `name-2`, `name-3`, … that is not taken. */
export function freeName(name: string, taken: ReadonlySet<string>): string {
  let candidate = name
  for (let number = 2; taken.has(candidate); number++) candidate = `${name}-${number}`
  return candidate
}
