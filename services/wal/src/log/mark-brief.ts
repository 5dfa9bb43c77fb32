import type { Mark } from './submission-log.js'

/** What the state of a log needs of a mark. */
export type MarkBrief = Pick<Mark, 'sequence' | 'status'>

const FIELD = { sequence: 1, status: 2 } as const
const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const

/** An encoded Mark, wherever it lies. */
export interface MarkBytes {
  readonly bodyLength: number
  bodyByte(index: number): number | undefined
}

const VARINT_BYTES_MAX = 8

/** Bits that a number takes exactly; longer varints are of fields that are not looked at. */
const EXACT_BITS = 49

/**
 * Sequence and status of an encoded Mark. A log that is opened has millions of marks, and decoding their verdicts,
 * which nobody looks at then, would take as long as all else.
 *
 * @returns undefined where the bytes are no Mark that this reads for certain: decode it whole
 */
export function markBrief(bytes: MarkBytes): MarkBrief | undefined {
  let sequence = 0
  let status = 0
  const cursor = new Cursor(bytes)
  while (!cursor.atEnd) {
    const tag = cursor.varint()
    const field = Math.floor(tag / 8)
    const wire = tag % 8
    if (wire === WIRE.varint) {
      const value = cursor.varint()
      if (field === FIELD.sequence) sequence = value
      if (field === FIELD.status) status = value
    } else if (wire === WIRE.bytes) cursor.skip(cursor.varint())
    else if (wire === WIRE.fixed64) cursor.skip(8)
    else if (wire === WIRE.fixed32) cursor.skip(4)
    else return undefined
    if (cursor.failed) return undefined
  }
  return { sequence, status }
}

/** The same as a Mark that holds nothing else: what a checkpoint keeps of one. */
export function encodeMarkBrief({ sequence, status }: MarkBrief): Buffer {
  const bytes = Buffer.allocUnsafe(2 * (1 + VARINT_BYTES_MAX))
  let at = 0
  for (const [field, number] of [
    [FIELD.sequence, sequence],
    [FIELD.status, status],
  ] as const) {
    bytes[at++] = field * 8 + WIRE.varint
    let rest = number
    for (; rest >= 0x80; rest = Math.floor(rest / 128)) bytes[at++] = (rest % 128) | 0x80
    bytes[at++] = rest
  }
  return bytes.subarray(0, at)
}

class Cursor {
  failed = false
  readonly #bytes: MarkBytes
  #at = 0

  constructor(bytes: MarkBytes) {
    this.#bytes = bytes
  }

  get atEnd(): boolean {
    return this.#at >= this.#bytes.bodyLength
  }

  varint(): number {
    let value = 0
    let scale = 1
    for (let bits = 0; bits < EXACT_BITS; bits += 7) {
      const byte = this.#bytes.bodyByte(this.#at++)
      if (byte === undefined) break
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
      scale *= 128
    }
    this.failed = true
    return 0
  }

  skip(sizeBytes: number): void {
    this.#at += sizeBytes
    if (this.#at > this.#bytes.bodyLength) this.failed = true
  }
}
