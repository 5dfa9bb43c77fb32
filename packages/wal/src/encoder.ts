import { hash } from 'node:crypto'
import { crc32c } from './crc32c.js'
import { BODY_PRESENT, DIGEST_BYTES, FRAME, FRAME_OVERHEAD_BYTES, type LogPoint, writeU64 } from './format.js'
import type { NewRecord } from './record.js'

/** The previous chain (32 bytes), then the hashed header and the digest (64 bytes): what the chain hashes. */
const chainInput = Buffer.alloc(DIGEST_BYTES + FRAME.chain - FRAME.prefixEnd)

/** Bytes of the frame of a record with a body of that length. */
export function frameBytes(bodyBytes: number): number {
  return FRAME_OVERHEAD_BYTES + bodyBytes
}

/**
 * Encodes one flush group into `target` from its start on and gives the point after it. `target` must hold
 * all frames, and `records` at least one.
 */
export function encodeGroup(
  target: Buffer,
  records: readonly NewRecord[],
  before: LogPoint,
  mark: Buffer,
  timeMs: number,
): LogPoint {
  const group = before.group + 1
  let sequence = before.sequence
  let offset = 0
  let place = 0
  before.chain.copy(chainInput)
  for (const record of records) {
    sequence += 1
    offset += encodeFrame(target, offset, record, {
      sequence,
      group,
      place,
      groupSize: records.length,
      mark,
      timeMs,
    })
    place += 1
  }
  return { sequence, group, chain: Buffer.from(chainInput.subarray(0, DIGEST_BYTES)) }
}

interface FramePlace {
  readonly sequence: number
  readonly group: number
  readonly place: number
  readonly groupSize: number
  readonly mark: Buffer
  readonly timeMs: number
}

/** Digests come as text of one byte each ('binary') because `hash` makes that in half the time of a buffer. */
function encodeFrame(target: Buffer, start: number, record: NewRecord, at: FramePlace): number {
  const { body } = record
  const end = start + FRAME.body + body.length
  target.set(body, start + FRAME.body)
  target.writeUInt32LE(body.length, start + FRAME.storedLength)
  target.writeUInt16LE(at.place, start + FRAME.place)
  target.writeUInt16LE(at.groupSize, start + FRAME.groupSize)
  target.writeUInt8(BODY_PRESENT, start + FRAME.state)
  target.set(at.mark, start + FRAME.mark)
  target.writeUInt8(record.type, start + FRAME.type)
  target.writeUInt8(record.encoding, start + FRAME.encoding)
  target.writeUInt16LE(0, start + FRAME.flags)
  target.writeUInt32LE(body.length, start + FRAME.bodyLength)
  writeU64(target, at.sequence, start + FRAME.sequence)
  writeU64(target, at.group, start + FRAME.group)
  writeU64(target, at.timeMs, start + FRAME.timeMs)
  // the copy is hashed, not the caller's bytes: what is written is what the digest says, come what may
  const digest = hash('sha256', target.subarray(start + FRAME.body, end), 'binary')
  target.write(digest, start + FRAME.digest, DIGEST_BYTES, 'latin1')
  target.copy(chainInput, DIGEST_BYTES, start + FRAME.prefixEnd, start + FRAME.chain)
  const chain = hash('sha256', chainInput, 'binary')
  chainInput.write(chain, 0, DIGEST_BYTES, 'latin1')
  target.write(chain, start + FRAME.chain, DIGEST_BYTES, 'latin1')
  target.writeUInt32LE(crc32c(target.subarray(start + FRAME.storedLength, end)), start + FRAME.crc)
  return end - start
}
