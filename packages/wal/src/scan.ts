import { type ChunkCheck, UNCHECKED } from './check-ahead.js'
import { ChunkStream } from './chunk-stream.js'
import { ChainVerifier, decodeFrame, digestMatches, FrameFields } from './decoder.js'
import type { OpenFile } from './files.js'
import { FRAME } from './format.js'
import { FrameBytes } from './frame-bytes.js'

/** What is known of the record before the place where a scan begins. */
export interface ScanPoint {
  readonly sequence: number
  /** `undefined`: not known, so not compared */
  readonly group: number | undefined
  readonly chain: Buffer | undefined
}

/** Bytes that hold no acceptable frame. */
export interface Damage {
  readonly start: number
  readonly end: number
  readonly reason: string
  /** the last intact sequence before it */
  readonly afterSequence: number
}

export interface ScanSink {
  /** An intact frame: `offset` in `bytes`, `position` in the file. `fields` is used again for the next. */
  frame(bytes: Buffer, offset: number, position: number, fields: FrameFields): void
  damage?(damage: Damage): void
}

export interface ScanOptions {
  readonly start: number
  readonly end: number
  readonly before: ScanPoint
  readonly logSecret: Buffer
  /** behind damage, no frame beyond it is accepted */
  readonly sequenceMax: number
  /** whether each body is hashed and compared with its digest */
  readonly checkDigests: boolean
  /** Frames of other types are passed over: neither given to the sink nor compared with their digests. */
  readonly types?: ReadonlySet<number> | undefined
  /** whether the chain is followed from frame to frame */
  readonly checkChain: boolean
  readonly chunkBytes: number
  /** buffers given to the sink are valid only during the call */
  readonly reuseBuffers: boolean
  readonly stopAtDamage?: boolean
  /** Goes ahead over the frames, as long as they are intact and their chain follows; needs `checkChain`. */
  readonly check?: ChunkCheck | undefined
}

/**
 * Reads the frames of one segment in order, and goes round damage: what it accepts is intact (log secret, CRC32C,
 * fields) and follows what was accepted before (sequence, group, chain); behind damage, where records may be
 * missing, a greater sequence is enough. Whatever else it meets is reported as damage.
 */
export class FrameScan {
  readonly #stream: ChunkStream
  readonly #options: ScanOptions
  readonly #sink: ScanSink
  readonly #fields = new FrameFields()
  readonly #chain: ChainVerifier
  #at: number
  #sequence: number
  #group: number | undefined
  #place = -1
  #groupSize = 0
  #groupStart: number
  #frames = 0
  #damage: { start: number; reason: string; afterSequence: number } | undefined
  #zerosFrom: number | undefined
  #finished = false
  #metDamage = false
  #intactEnd: number

  constructor(file: OpenFile, options: ScanOptions, sink: ScanSink) {
    this.#stream = new ChunkStream(file, options)
    this.#options = options
    this.#sink = sink
    this.#chain = new ChainVerifier(options.before.chain)
    this.#at = options.start
    this.#intactEnd = options.start
    this.#groupStart = options.start
    this.#sequence = options.before.sequence
    this.#group = options.before.group
  }

  /** Scans to the end. */
  async run(): Promise<this> {
    try {
      while (await this.next()) {
        // each turn is one chunk
      }
    } finally {
      await this.settle()
    }
    return this
  }

  /** Scans what one chunk holds; false when the scan has come to its end. */
  async next(): Promise<boolean> {
    if (this.#finished) return false
    const more = await this.#stream.advance(this.#at)
    this.#scanChunk()
    if (!more && !this.#finished) throw new Error('a scan found neither more bytes nor the end of the file')
    return true
  }

  /** To be awaited before the file is closed. */
  settle(): Promise<void> {
    return this.#stream.settle()
  }

  /** The last accepted record (or the point before the first). */
  get point(): ScanPoint {
    return { sequence: this.#sequence, group: this.#group, chain: this.#chain.chain }
  }

  /** Where the last accepted frame ends. */
  get intactEnd(): number {
    return this.#intactEnd
  }

  /** Where the last accepted group begins; `intactEnd` when there was none. */
  get lastGroupStart(): number {
    return this.#frames === 0 ? this.#intactEnd : this.#groupStart
  }

  get frames(): number {
    return this.#frames
  }

  /** Whether the scan ended inside damage. */
  get damagedAt(): number | undefined {
    return this.#damage?.start
  }

  #scanChunk(): void {
    const { bytes, position } = this.#stream
    const frames = new FrameBytes(bytes)
    const fields = this.#fields
    for (;;) {
      if (this.#at >= this.#stream.end) {
        this.#finish()
        return
      }
      if (this.#zerosFrom !== undefined && !this.#passZeros(this.#zerosFrom)) return
      if (this.#damage !== undefined && !this.#findLogSecret()) return
      // Not before here: what is passed over does not remain.
      const remaining = this.#stream.end - this.#at
      const offset = this.#at - position
      const checked = this.#metDamage ? UNCHECKED : this.#stream.checked
      const passedBytes = checked.crc ? checked.to - this.#at : 0
      const status = decodeFrame(frames, offset, remaining, this.#options.logSecret, fields, passedBytes)
      if (status === 'incomplete') return
      if (status === 'zeros' && this.#damage === undefined) {
        this.#zerosFrom = this.#at
        continue
      }
      const objection =
        status === 'frame' ? this.#objection(frames, offset, checked.to) : 'no frame can be read here'
      if (objection === undefined) this.#accept(frames, offset)
      else if (!this.#reject(objection)) return
    }
  }

  /** Why the decoded frame may not stand here; `undefined` when it may. */
  #objection(frames: FrameBytes, offset: number, followsTo: number): string | undefined {
    const { sequence, group, place, groupSize, frameBytes } = this.#fields
    const skipped = sequence - this.#sequence - 1
    if (this.#damage === undefined) {
      if (skipped !== 0) return `the sequence does not follow: ${sequence} after ${this.#sequence}`
      if (!this.#groupFollows()) return `the flush group does not follow: ${group} (${place}/${groupSize})`
    } else {
      if (skipped < 0 || sequence > this.#options.sequenceMax) return 'the sequence cannot lie here'
      if (this.#group !== undefined && group < this.#group) return 'the flush group cannot lie here'
    }
    const checkChain = this.#options.checkChain && this.#at + frameBytes > followsTo
    if (skipped === 0 && checkChain && !this.#chain.follows(frames, offset))
      return 'the hash chain does not follow'
    if (this.#options.checkDigests && this.#isWanted && !digestMatches(frames.bytes, offset, this.#fields)) {
      return 'the body does not have its digest'
    }
    return undefined
  }

  get #isWanted(): boolean {
    return this.#options.types?.has(this.#fields.type) ?? true
  }

  #groupFollows(): boolean {
    const { group, place, groupSize } = this.#fields
    if (this.#group === undefined) return true
    if (place === 0) return group === this.#group + 1
    return group === this.#group && place === this.#place + 1 && groupSize === this.#groupSize
  }

  #accept(frames: FrameBytes, offset: number): void {
    const fields = this.#fields
    if (this.#damage !== undefined) this.#reportDamage(this.#at)
    if (this.#frames === 0 || fields.group !== this.#group) this.#groupStart = this.#at
    this.#chain.accept(frames, offset)
    this.#sequence = fields.sequence
    this.#group = fields.group
    this.#place = fields.place
    this.#groupSize = fields.groupSize
    this.#frames += 1
    if (this.#isWanted) this.#sink.frame(frames.bytes, offset, this.#at, fields)
    this.#at += fields.frameBytes
    this.#intactEnd = this.#at
  }

  /** Notes damage here and looks again, or goes on if it was noted before; false when the scan is to stop. */
  #reject(reason: string): boolean {
    if (this.#damage !== undefined) {
      this.#at += 1
      return true
    }
    // an intact frame that only does not follow is looked at again as one behind a gap
    this.#noteDamage(this.#at, reason)
    if (this.#options.stopAtDamage !== true) return true
    this.#finish()
    return false
  }

  /** Goes on to the next log secret in the damaged bytes; false when this chunk holds none. */
  #findLogSecret(): boolean {
    const { bytes, position, end } = this.#stream
    const found = bytes.indexOf(this.#options.logSecret, this.#at - position + FRAME.logSecret)
    if (found >= 0) {
      this.#at = position + found - FRAME.logSecret
      return true
    }
    const chunkEnd = position + bytes.length
    // the log secret may lie across the border of the chunks
    if (chunkEnd < end) this.#at = Math.max(this.#at, chunkEnd - FRAME.prefixEnd)
    else this.#finish()
    return false
  }

  /** Passes the zeros; false when this chunk ends in them. Bytes after zeros make the zeros damage. */
  #passZeros(zerosFrom: number): boolean {
    const { bytes, position, end } = this.#stream
    const found = firstNonZero(bytes, this.#at - position)
    const chunkEnd = position + bytes.length
    if (found < 0) {
      if (chunkEnd < end) this.#at = Math.max(this.#at, chunkEnd - FRAME.prefixEnd)
      else this.#finish()
      return false
    }
    this.#zerosFrom = undefined
    this.#noteDamage(zerosFrom, 'zeros before later bytes')
    // a frame whose first bytes are zero may begin before the first byte that is not
    this.#at = Math.max(zerosFrom + 1, position + found - FRAME.prefixEnd, position)
    if (this.#options.stopAtDamage !== true) return true
    this.#finish()
    return false
  }

  #noteDamage(start: number, reason: string): void {
    this.#damage = { start, reason, afterSequence: this.#sequence }
    // What went ahead may have come through here on a way that this scan does not take.
    this.#metDamage = true
  }

  #reportDamage(end: number): void {
    if (this.#damage !== undefined) this.#sink.damage?.({ ...this.#damage, end })
    this.#damage = undefined
  }

  #finish(): void {
    this.#finished = true
    const damage = this.#damage
    if (damage !== undefined) this.#sink.damage?.({ ...damage, end: this.#stream.end })
  }
}

/**
 * Whether a frame found behind damage belongs to a flush group that began after the damaged record. If so, the
 * damaged record had been flushed, since one group is flushed before the next is written: it was not torn.
 */
export function isLaterGroup(frame: { sequence: number; place: number }, damage: Damage): boolean {
  return frame.sequence - frame.place > damage.afterSequence + 1
}

const ZERO_BLOCK = Buffer.alloc(64 * 1024)

/** Index of the first byte from `start` on that is not zero; -1 when all are. */
export function firstNonZero(bytes: Buffer, start: number): number {
  for (let offset = start; offset < bytes.length; offset += ZERO_BLOCK.length) {
    const end = Math.min(bytes.length, offset + ZERO_BLOCK.length)
    if (bytes.compare(ZERO_BLOCK, 0, end - offset, offset, end) === 0) continue
    for (let index = offset; index < end; index++) {
      if (bytes[index] !== 0) return index
    }
  }
  return -1
}
