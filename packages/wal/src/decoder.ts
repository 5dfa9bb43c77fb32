import { hash } from 'node:crypto'
import { crc32c } from './crc32c.js'
import { BODY_DROPPED, BODY_PRESENT, DIGEST_BYTES, FRAME, MARK_BYTES, readU64 } from './format.js'
import type { LogRecord } from './record.js'

/** What stands at a place of a segment. */
export type FrameStatus =
  /** an intact frame */
  | 'frame'
  /** zeros, as far as a prefix reaches: perhaps the unwritten rest */
  | 'zeros'
  /** more bytes are needed to tell; they are there */
  | 'incomplete'
  /** neither */
  | 'damaged'

/** The numbers of a frame; one object is used again and again, since there are millions of frames. */
export class FrameFields {
  storedLength = 0
  place = 0
  groupSize = 0
  state = BODY_PRESENT
  type = 0
  encoding = 0
  bodyLength = 0
  sequence = 0
  group = 0
  timeMs = 0
  frameBytes = 0
}

/**
 * Decodes the frame at `offset` of `bytes` into `fields`. `remainingBytes` is what the segment holds from
 * there on, of which `bytes` may have only a part. An intact frame has the log's mark, the right CRC32C and
 * fields that agree; digest and chain are checked apart (`digestMatches`, ChainVerifier).
 */
export function decodeFrame(
  bytes: Buffer,
  offset: number,
  remainingBytes: number,
  mark: Buffer,
  fields: FrameFields,
): FrameStatus {
  const available = bytes.length - offset
  if (available < FRAME.prefixEnd && available < remainingBytes) return 'incomplete'
  if (available < FRAME.prefixEnd || !hasMark(bytes, offset + FRAME.mark, mark)) {
    return isZero(bytes, offset, Math.min(bytes.length, offset + FRAME.prefixEnd)) ? 'zeros' : 'damaged'
  }
  const storedLength = bytes.readUInt32LE(offset + FRAME.storedLength)
  const frameLength = FRAME.body + storedLength
  if (frameLength > remainingBytes) return 'damaged'
  if (frameLength > available) return 'incomplete'
  const crc = crc32c(bytes.subarray(offset + FRAME.storedLength, offset + frameLength))
  if (crc !== bytes.readUInt32LE(offset + FRAME.crc)) return 'damaged'
  fields.storedLength = storedLength
  fields.frameBytes = frameLength
  fields.place = bytes.readUInt16LE(offset + FRAME.place)
  fields.groupSize = bytes.readUInt16LE(offset + FRAME.groupSize)
  fields.state = bytes.readUInt8(offset + FRAME.state)
  fields.type = bytes.readUInt8(offset + FRAME.type)
  fields.encoding = bytes.readUInt8(offset + FRAME.encoding)
  fields.bodyLength = bytes.readUInt32LE(offset + FRAME.bodyLength)
  fields.sequence = readU64(bytes, offset + FRAME.sequence)
  fields.group = readU64(bytes, offset + FRAME.group)
  fields.timeMs = readU64(bytes, offset + FRAME.timeMs)
  return fieldsAgree(fields) && bytes.readUInt16LE(offset + FRAME.flags) === 0 ? 'frame' : 'damaged'
}

function fieldsAgree(fields: FrameFields): boolean {
  const stored = fields.state === BODY_PRESENT ? fields.bodyLength : fields.state === BODY_DROPPED ? 0 : -1
  return (
    fields.storedLength === stored &&
    fields.place < fields.groupSize &&
    fields.type !== 0 &&
    fields.sequence >= 1 &&
    fields.group >= 1 &&
    Number.isSafeInteger(fields.sequence) &&
    Number.isSafeInteger(fields.group)
  )
}

function hasMark(bytes: Buffer, offset: number, mark: Buffer): boolean {
  for (let index = 0; index < MARK_BYTES; index++) {
    if (bytes[offset + index] !== mark[index]) return false
  }
  return true
}

function isZero(bytes: Buffer, start: number, end: number): boolean {
  for (let index = start; index < end; index++) {
    if (bytes[index] !== 0) return false
  }
  return true
}

/** Whether the body of the decoded frame at `offset` has the digest that the frame states; true if it was dropped. */
export function digestMatches(bytes: Buffer, offset: number, fields: FrameFields): boolean {
  if (fields.state === BODY_DROPPED) return true
  const digest = hash('sha256', bytes.subarray(offset + FRAME.body, offset + fields.frameBytes), 'binary')
  return digest === bytes.toString('latin1', offset + FRAME.digest, offset + FRAME.chain)
}

/** Follows the hash chain from frame to frame. */
export class ChainVerifier {
  readonly #input = Buffer.alloc(DIGEST_BYTES + FRAME.chain - FRAME.prefixEnd)
  #known: boolean

  /** `chain` is that of the record before the first; `undefined` when it is not known. */
  constructor(chain: Buffer | undefined) {
    this.#known = chain !== undefined
    chain?.copy(this.#input)
  }

  /** Whether the frame's chain follows from the last accepted one; true when there is none to compare with. */
  follows(bytes: Buffer, offset: number): boolean {
    if (!this.#known) return true
    bytes.copy(this.#input, DIGEST_BYTES, offset + FRAME.prefixEnd, offset + FRAME.chain)
    const chain = hash('sha256', this.#input, 'binary')
    return chain === bytes.toString('latin1', offset + FRAME.chain, offset + FRAME.body)
  }

  /** Takes the frame's chain as the last one. */
  accept(bytes: Buffer, offset: number): void {
    this.#known = true
    bytes.copy(this.#input, 0, offset + FRAME.chain, offset + FRAME.body)
  }

  /** A copy of the last accepted chain. */
  get chain(): Buffer | undefined {
    return this.#known ? Buffer.from(this.#input.subarray(0, DIGEST_BYTES)) : undefined
  }
}

/** The decoded frame at `offset` as a record whose buffers are views of `bytes`. */
export function toRecord(bytes: Buffer, offset: number, fields: FrameFields): LogRecord {
  const dropped = fields.state === BODY_DROPPED
  return {
    type: fields.type,
    encoding: fields.encoding,
    sequence: fields.sequence,
    group: fields.group,
    timeMs: fields.timeMs,
    body: dropped ? undefined : bytes.subarray(offset + FRAME.body, offset + fields.frameBytes),
    bodyLength: fields.bodyLength,
    digest: bytes.subarray(offset + FRAME.digest, offset + FRAME.chain),
    chain: bytes.subarray(offset + FRAME.chain, offset + FRAME.body),
  }
}
