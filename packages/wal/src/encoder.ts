import { hash } from 'node:crypto'
import { crc32c } from './crc32c.js'
import { BODY_PRESENT, DIGEST_BYTES, FRAME, FRAME_OVERHEAD_BYTES, type LogPoint } from './format.js'
import { FrameBytes } from './frame-bytes.js'
import type { NewRecord } from './record.js'

/** The previous chain (32 bytes), then the hashed header and the digest (64 bytes): what the chain hashes. */
const chainInput = new FrameBytes(Buffer.alloc(DIGEST_BYTES + FRAME.chain - FRAME.prefixEnd))

/** Bytes of the frame of a record with a body of that length. */
export function frameBytes(bodyBytes: number): number {
  return FRAME_OVERHEAD_BYTES + bodyBytes
}

/**
 * Encodes one flush group into `target` and gives the point after it. `target` must be exactly as long as the
 * frames, so that every byte of it is of this group; anything else is an error, and nothing may be written.
 * @param timeMs stamp of the records that bring none
 */
export function encodeGroup(
  target: Buffer,
  records: readonly NewRecord[],
  before: LogPoint,
  logSecret: Buffer,
  timeMs: number,
): LogPoint {
  const frames = new FrameBytes(target)
  const group = before.group + 1
  const groupSize = records.length
  let sequence = before.sequence
  let offset = 0
  let place = 0
  before.chain.copy(chainInput.bytes)
  for (const record of records) {
    sequence += 1
    offset += encodeFrame(frames, offset, record, { sequence, group, place, groupSize, logSecret, timeMs })
    place += 1
  }
  if (offset !== target.length) throw new Error(`a group of ${target.length} bytes was encoded in ${offset}`)
  return { sequence, group, chain: Buffer.from(chainInput.bytes.subarray(0, DIGEST_BYTES)) }
}

interface FramePlace {
  readonly sequence: number
  readonly group: number
  readonly place: number
  readonly groupSize: number
  readonly logSecret: Buffer
  readonly timeMs: number
}

/** Digests come as text of one byte each ('binary') because `hash` makes that in half the time of a buffer. */
function encodeFrame(frames: FrameBytes, start: number, record: NewRecord, at: FramePlace): number {
  const { bytes, view } = frames
  const { body } = record
  const end = start + FRAME.body + body.length
  bytes.set(body, start + FRAME.body)
  view.setUint32(start + FRAME.storedLength, body.length, true)
  view.setUint16(start + FRAME.place, at.place, true)
  view.setUint16(start + FRAME.groupSize, at.groupSize, true)
  view.setUint8(start + FRAME.state, BODY_PRESENT)
  bytes.set(at.logSecret, start + FRAME.logSecret)
  view.setUint8(start + FRAME.type, record.type)
  view.setUint8(start + FRAME.encoding, record.encoding)
  view.setUint16(start + FRAME.flags, 0, true)
  view.setUint32(start + FRAME.bodyLength, body.length, true)
  frames.setU64(start + FRAME.sequence, at.sequence)
  frames.setU64(start + FRAME.group, at.group)
  frames.setU64(start + FRAME.timeMs, record.timeMs ?? at.timeMs)
  // the copy is hashed, not the caller's bytes: the caller may change those before the write
  const digest = hash('sha256', bytes.subarray(start + FRAME.body, end), 'binary')
  bytes.write(digest, start + FRAME.digest, DIGEST_BYTES, 'latin1')
  frames.copyWords(start + FRAME.prefixEnd, start + FRAME.chain, chainInput, DIGEST_BYTES)
  const chain = hash('sha256', chainInput.bytes, 'binary')
  chainInput.bytes.write(chain, 0, DIGEST_BYTES, 'latin1')
  bytes.write(chain, start + FRAME.chain, DIGEST_BYTES, 'latin1')
  view.setUint32(start + FRAME.crc, crc32c(bytes.subarray(start + FRAME.storedLength, end)), true)
  return end - start
}
