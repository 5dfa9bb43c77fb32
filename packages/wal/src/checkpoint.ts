/*
 * A CHECKPOINT, `<first>.seg.checkpoint`: what opening needs of the records of a sealed segment, so that it need not read
 * the segment. It is derived from the segment alone, and never more than a short way to it: one that is missing, torn, of
 * another log or of another state of its segment is passed over, and the segment is read. Written to
 * `<first>.seg.checkpoint.tmp` and renamed, without a flush. All numbers are little endian and unsigned.
 *
 *   offset  bytes
 *        0      8  magic "FLBA-CKP"
 *        8      1  version, 1
 *        9      7  zeros
 *       16     16  log id
 *       32      8  sequence of the first record
 *       40      8  length of the segment, from the beginning of its header to the end of its last frame
 *       48      8  sequence of the last record
 *       56      8  group of the last record
 *       64     32  chain of the last record
 *       96      4  records
 *      100      4  zeros
 *      104     32  SHA-256(log secret ‖ bytes 0 to 103 ‖ entries)
 *      136         entries, one for each record, in order:
 *                    type (1), encoding (1), flags (1: body present, 2: first of its group), 0, original length of the
 *                    body (4), stamp (8), length of the brief (2), brief: what the owner of the log keeps of the body
 */

import { createHash } from 'node:crypto'
import { frameBytes } from './encoder.js'
import { WalError } from './errors.js'
import {
  BODY_PRESENT,
  DIGEST_BYTES,
  FRAME,
  type LogIdentity,
  type LogPoint,
  SEGMENT_HEADER_BYTES,
} from './format.js'
import { FrameBytes } from './frame-bytes.js'
import type { VisitedRecord } from './record.js'

/** What is kept of a body for the next opening; must not be longer than 65,535 bytes, else there is no checkpoint. */
export type BriefOf = (type: number, body: Buffer) => Uint8Array

const MAGIC = Buffer.from('FLBA-CKP\u0001\0\0\0\0\0\0\0', 'latin1')
const AT = {
  logId: 16,
  first: 32,
  sizeBytes: 40,
  last: 48,
  group: 56,
  chain: 64,
  count: 96,
  digest: 104,
} as const
const HEADER_BYTES = AT.digest + DIGEST_BYTES
const ENTRY = {
  type: 0,
  encoding: 1,
  flags: 2,
  bodyLength: 4,
  timeMs: 8,
  briefLength: 16,
  brief: 18,
} as const
const HAS_BODY = 1
const BEGINS_GROUP = 2
const BRIEF_BYTES_MAX = 65_535
const NOTHING = Buffer.alloc(0)

/** Takes note of the frames of one segment, from its first. */
export class CheckpointBuilder {
  readonly #briefOf: BriefOf
  #source = new FrameBytes(NOTHING)
  #entries = new FrameBytes(Buffer.allocUnsafeSlow(64 * 1024))
  #usedBytes = 0
  #count = 0
  #fits = true

  constructor(briefOf: BriefOf) {
    this.#briefOf = briefOf
  }

  /** @param bytes that hold an intact frame at `offset` */
  note(bytes: Buffer, offset: number): void {
    if (this.#source.bytes !== bytes) this.#source = new FrameBytes(bytes)
    const { view } = this.#source
    const hasBody = bytes[offset + FRAME.state] === BODY_PRESENT
    const type = bytes[offset + FRAME.type] ?? 0
    const bodyLength = view.getUint32(offset + FRAME.bodyLength, true)
    const bodyAt = offset + FRAME.body
    const brief = hasBody ? this.#briefOf(type, bytes.subarray(bodyAt, bodyAt + bodyLength)) : NOTHING
    if (brief.length > BRIEF_BYTES_MAX) this.#fits = false
    if (!this.#fits) return
    const at = this.#room(ENTRY.brief + brief.length)
    const entry = this.#entries
    const begins = view.getUint16(offset + FRAME.place, true) === 0
    entry.view.setUint8(at + ENTRY.type, type)
    entry.view.setUint8(at + ENTRY.encoding, bytes[offset + FRAME.encoding] ?? 0)
    entry.view.setUint16(at + ENTRY.flags, (hasBody ? HAS_BODY : 0) | (begins ? BEGINS_GROUP : 0), true)
    entry.view.setUint32(at + ENTRY.bodyLength, bodyLength, true)
    entry.setU64(at + ENTRY.timeMs, this.#source.u64(offset + FRAME.timeMs))
    entry.view.setUint16(at + ENTRY.briefLength, brief.length, true)
    entry.bytes.set(brief, at + ENTRY.brief)
    this.#count += 1
  }

  /**
   * @param end the last record that was noted
   * @param sizeBytes of the segment
   * @returns undefined where there is nothing to be kept, or a brief is too long
   */
  encode(identity: LogIdentity, end: LogPoint, sizeBytes: number): Buffer | undefined {
    if (!this.#fits || this.#count === 0) return undefined
    const header = new FrameBytes(Buffer.alloc(HEADER_BYTES))
    MAGIC.copy(header.bytes)
    identity.logId.copy(header.bytes, AT.logId)
    header.setU64(AT.first, end.sequence - this.#count + 1)
    header.setU64(AT.sizeBytes, sizeBytes)
    header.setU64(AT.last, end.sequence)
    header.setU64(AT.group, end.group)
    end.chain.copy(header.bytes, AT.chain)
    header.view.setUint32(AT.count, this.#count, true)
    const entries = this.#entries.bytes.subarray(0, this.#usedBytes)
    digestOf(identity, header.bytes, entries).copy(header.bytes, AT.digest)
    return Buffer.concat([header.bytes, entries])
  }

  #room(sizeBytes: number): number {
    const at = this.#usedBytes
    this.#usedBytes += sizeBytes
    const { bytes } = this.#entries
    if (this.#usedBytes > bytes.length) {
      const larger = Buffer.allocUnsafeSlow(2 * Math.max(bytes.length, sizeBytes))
      bytes.copy(larger, 0, 0, at)
      this.#entries = new FrameBytes(larger)
    }
    return at
  }
}

/** A checkpoint that was read and is whole. */
export class Checkpoint {
  readonly end: LogPoint
  /** Of its segment. */
  readonly sizeBytes: number
  readonly #bytes: FrameBytes

  private constructor(bytes: FrameBytes) {
    this.#bytes = bytes
    this.sizeBytes = bytes.u64(AT.sizeBytes)
    const chain = Buffer.from(bytes.bytes.subarray(AT.chain, AT.chain + DIGEST_BYTES))
    this.end = { sequence: bytes.u64(AT.last), group: bytes.u64(AT.group), chain }
  }

  /** @returns undefined where these bytes are no whole checkpoint of that segment of that log */
  static decode(bytes: Buffer, identity: LogIdentity, before: LogPoint): Checkpoint | undefined {
    if (bytes.length < HEADER_BYTES || !bytes.subarray(0, MAGIC.length).equals(MAGIC)) return undefined
    const digest = digestOf(identity, bytes, bytes.subarray(HEADER_BYTES))
    if (!digest.equals(bytes.subarray(AT.digest, HEADER_BYTES))) return undefined
    if (!bytes.subarray(AT.logId, AT.first).equals(identity.logId)) return undefined
    const frames = new FrameBytes(bytes)
    if (frames.u64(AT.first) !== before.sequence + 1) return undefined
    return new Checkpoint(frames)
  }

  /**
   * Each record with the place of its frame, as reading the segment would show them, but for bodies, which are briefs.
   * It is one object, which holds one after the other: there are millions.
   */
  visit(before: LogPoint, see: (record: VisitedRecord, offset: number, frameBytes: number) => void): void {
    const record = new BriefRecord(this.#bytes, before)
    let offset = SEGMENT_HEADER_BYTES
    while (record.next()) {
      const length = frameBytes(record.hasBody ? record.bodyLength : 0)
      see(record, offset, length)
      offset += length
    }
  }
}

class BriefRecord implements VisitedRecord {
  type = 0
  encoding = 0
  sequence: number
  group: number
  timeMs = 0
  hasBody = false
  bodyLength = 0
  briefLength = 0
  private readonly entries: FrameBytes
  private briefAt = HEADER_BYTES

  constructor(entries: FrameBytes, before: LogPoint) {
    this.entries = entries
    this.sequence = before.sequence
    this.group = before.group
  }

  /** @returns false behind the last */
  next(): boolean {
    const { bytes, view } = this.entries
    const at = this.briefAt + this.briefLength
    if (at >= bytes.length) return false
    const flags = view.getUint8(at + ENTRY.flags)
    this.type = view.getUint8(at + ENTRY.type)
    this.encoding = view.getUint8(at + ENTRY.encoding)
    this.sequence += 1
    if ((flags & BEGINS_GROUP) !== 0) this.group += 1
    this.timeMs = this.entries.u64(at + ENTRY.timeMs)
    this.hasBody = (flags & HAS_BODY) !== 0
    this.bodyLength = view.getUint32(at + ENTRY.bodyLength, true)
    this.briefLength = view.getUint16(at + ENTRY.briefLength, true)
    this.briefAt = at + ENTRY.brief
    return true
  }

  get body(): Buffer | undefined {
    if (!this.hasBody) return undefined
    return this.entries.bytes.subarray(this.briefAt, this.briefAt + this.briefLength)
  }

  bodyByte(index: number): number | undefined {
    if (!this.hasBody || index < 0 || index >= this.briefLength) return undefined
    return this.entries.bytes[this.briefAt + index]
  }

  get digest(): Buffer {
    throw new WalError('invalid', 'A record out of a checkpoint has no digest: read it.')
  }

  get chain(): Buffer {
    throw new WalError('invalid', 'A record out of a checkpoint has no chain: read it.')
  }
}

function digestOf({ logSecret }: LogIdentity, header: Buffer, entries: Buffer): Buffer {
  const hash = createHash('sha256').update(logSecret).update(header.subarray(0, AT.digest))
  return hash.update(entries).digest()
}
