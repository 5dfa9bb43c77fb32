import { hash } from 'node:crypto'
import { crc32c } from './crc32c.js'
import { BODY_DROPPED, BODY_PRESENT, DIGEST_BYTES, FRAME, LOG_SECRET_BYTES } from './format.js'
import { FrameBytes } from './frame-bytes.js'
import type { VisitedRecord } from './record.js'

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
 * Decodes the frame at `offset` of `frames` into `fields`. `remainingBytes` is what the segment holds from
 * there on, of which `bytes` may have only a part. An intact frame has the log secret, the right CRC32C and
 * fields that agree; digest and chain are checked apart (`digestMatches`, ChainVerifier).
 *
 * @param passedBytes of the bytes from `offset` on, those whose frames need not have their CRC32C checked.
 */
export function decodeFrame(
  frames: FrameBytes,
  offset: number,
  remainingBytes: number,
  logSecret: Buffer,
  fields: FrameFields,
  passedBytes = 0,
): FrameStatus {
  const { bytes, view } = frames
  const available = bytes.length - offset
  if (available < FRAME.prefixEnd && available < remainingBytes) return 'incomplete'
  if (available < FRAME.prefixEnd || !hasLogSecret(bytes, offset + FRAME.logSecret, logSecret)) {
    return isZero(bytes, offset, Math.min(bytes.length, offset + FRAME.prefixEnd)) ? 'zeros' : 'damaged'
  }
  const storedLength = view.getUint32(offset + FRAME.storedLength, true)
  const frameLength = FRAME.body + storedLength
  if (frameLength > remainingBytes) return 'damaged'
  if (frameLength > available) return 'incomplete'
  if (frameLength > passedBytes) {
    const crc = crc32c(bytes.subarray(offset + FRAME.storedLength, offset + frameLength))
    if (crc !== view.getUint32(offset + FRAME.crc, true)) return 'damaged'
  }
  fields.storedLength = storedLength
  fields.frameBytes = frameLength
  fields.place = view.getUint16(offset + FRAME.place, true)
  fields.groupSize = view.getUint16(offset + FRAME.groupSize, true)
  fields.state = view.getUint8(offset + FRAME.state)
  fields.type = view.getUint8(offset + FRAME.type)
  fields.encoding = view.getUint8(offset + FRAME.encoding)
  fields.bodyLength = view.getUint32(offset + FRAME.bodyLength, true)
  fields.sequence = frames.u64(offset + FRAME.sequence)
  fields.group = frames.u64(offset + FRAME.group)
  fields.timeMs = frames.u64(offset + FRAME.timeMs)
  return fieldsAgree(fields) && view.getUint16(offset + FRAME.flags, true) === 0 ? 'frame' : 'damaged'
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

function hasLogSecret(bytes: Buffer, offset: number, logSecret: Buffer): boolean {
  for (let index = 0; index < LOG_SECRET_BYTES; index++) {
    if (bytes[offset + index] !== logSecret[index]) return false
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
  readonly #input = new FrameBytes(Buffer.alloc(DIGEST_BYTES + FRAME.chain - FRAME.prefixEnd))
  #known: boolean

  /** `chain` is that of the record before the first; `undefined` when it is not known. */
  constructor(chain: Buffer | undefined) {
    this.#known = chain !== undefined
    chain?.copy(this.#input.bytes)
  }

  /** Whether the frame's chain follows from the last accepted one; true when there is none to compare with. */
  follows(frames: FrameBytes, offset: number): boolean {
    if (!this.#known) return true
    frames.copyWords(offset + FRAME.prefixEnd, offset + FRAME.chain, this.#input, DIGEST_BYTES)
    const chain = hash('sha256', this.#input.bytes, 'binary')
    return chain === frames.bytes.toString('latin1', offset + FRAME.chain, offset + FRAME.body)
  }

  /** Takes the frame's chain as the last one. */
  accept(frames: FrameBytes, offset: number): void {
    this.#known = true
    frames.copyWords(offset + FRAME.chain, offset + FRAME.body, this.#input, 0)
  }

  /** A copy of the last accepted chain. */
  get chain(): Buffer | undefined {
    return this.#known ? Buffer.from(this.#input.bytes.subarray(0, DIGEST_BYTES)) : undefined
  }
}

/**
 * The decoded frame at `offset` as a record. Its buffers are views of `bytes`, made when they are asked for: most
 * records of a log that is opened are only counted.
 */
export function toRecord(bytes: Buffer, offset: number, fields: FrameFields): VisitedRecord {
  return new FrameRecord(bytes, offset, fields)
}

class FrameRecord implements VisitedRecord {
  readonly type: number
  readonly encoding: number
  readonly sequence: number
  readonly group: number
  readonly timeMs: number
  readonly hasBody: boolean
  readonly bodyLength: number
  readonly #bytes: Buffer
  readonly #offset: number

  constructor(bytes: Buffer, offset: number, fields: FrameFields) {
    this.type = fields.type
    this.encoding = fields.encoding
    this.sequence = fields.sequence
    this.group = fields.group
    this.timeMs = fields.timeMs
    this.hasBody = fields.state === BODY_PRESENT
    this.bodyLength = fields.bodyLength
    this.#bytes = bytes
    this.#offset = offset
  }

  get body(): Buffer | undefined {
    if (!this.hasBody) return undefined
    const start = this.#offset + FRAME.body
    return this.#bytes.subarray(start, start + this.bodyLength)
  }

  bodyByte(index: number): number | undefined {
    if (!this.hasBody || index < 0 || index >= this.bodyLength) return undefined
    return this.#bytes[this.#offset + FRAME.body + index]
  }

  get digest(): Buffer {
    return this.#bytes.subarray(this.#offset + FRAME.digest, this.#offset + FRAME.chain)
  }

  get chain(): Buffer {
    return this.#bytes.subarray(this.#offset + FRAME.chain, this.#offset + FRAME.body)
  }
}
