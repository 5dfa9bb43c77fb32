import { ChainVerifier, decodeFrame, FrameFields } from './decoder.js'
import { FrameBytes } from './frame-bytes.js'

/** The frames of one segment whose checking goes ahead of their reading. */
export interface CheckRange {
  readonly start: number
  /** Where the segment ends. */
  readonly end: number
  /** The chain of the record before the first; `undefined` when it is not known. */
  readonly chain: Uint8Array | undefined
  readonly logSecret: Uint8Array
}

/** The piece of a frame that is kept until the next chunk has the rest; a longer one ends the check. */
const TAIL_BYTES_MAX = 2 << 20

/**
 * What costs most of a log that is opened, taken for itself: CRC32C and chain of each frame, chunk by chunk, up to
 * the first frame that is not intact or does not follow. It decides nothing: what it has not passed is looked at
 * by the scan as if this were not there.
 */
export class FrameCheck {
  readonly #logSecret: Buffer
  readonly #end: number
  readonly #chain: ChainVerifier
  readonly #fields = new FrameFields()
  #at: number
  #tail: Buffer = Buffer.alloc(0)
  #stopped = false

  constructor({ start, end, chain, logSecret }: CheckRange) {
    this.#logSecret = Buffer.from(logSecret)
    this.#end = end
    this.#chain = new ChainVerifier(chain && Buffer.from(chain))
    this.#at = start
  }

  /**
   * @param buffer the next chunk of the segment, behind a headroom that may be written to.
   * @param withCrc whether the CRC32C of the frames that end in it is checked too, or their chain alone.
   * @returns up to where all frames have been passed, a file offset.
   */
  check(buffer: Buffer, headroomBytes: number, withCrc: boolean): number {
    if (!this.#stopped) this.#checkAll(this.#withTail(buffer, headroomBytes), withCrc)
    return this.#at
  }

  /** The frame across the border in one piece. */
  #withTail(buffer: Buffer, headroomBytes: number): Buffer {
    const tail = this.#tail
    if (tail.length > headroomBytes) return Buffer.concat([tail, buffer.subarray(headroomBytes)])
    tail.copy(buffer, headroomBytes - tail.length)
    return buffer.subarray(headroomBytes - tail.length)
  }

  #checkAll(bytes: Buffer, withCrc: boolean): void {
    const frames = new FrameBytes(bytes)
    const passedBytes = withCrc ? 0 : Number.POSITIVE_INFINITY
    let offset = 0
    while (this.#at < this.#end) {
      const remaining = this.#end - this.#at
      const status = decodeFrame(frames, offset, remaining, this.#logSecret, this.#fields, passedBytes)
      if (status === 'incomplete') break
      if (status !== 'frame' || !this.#chain.follows(frames, offset)) {
        this.#stopped = true
        break
      }
      this.#chain.accept(frames, offset)
      offset += this.#fields.frameBytes
      this.#at += this.#fields.frameBytes
    }
    // A copy: the chunk belongs to the scan from here on.
    this.#tail = Buffer.from(bytes.subarray(offset))
    if (this.#tail.length > TAIL_BYTES_MAX) this.#stopped = true
  }
}
