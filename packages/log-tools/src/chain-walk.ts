import { hash } from 'node:crypto'
import type { LogRecord, RecordLocation } from '@fractal-lba/wal'
import type { PinnedLog } from './pinned-log.js'

/*
 * The hash chain, recomputed from the records alone by other code than the code that wrote it. The layout of
 * what is hashed is that of packages/wal, format.ts: header (32 bytes) and digest; little endian.
 */

const HEADER_BYTES = 32
/** Where a segment's own header holds the chain of the record before its first. */
const SEGMENT_CHAIN = { offset: 48, sizeBytes: 32 } as const
/** Where the first frame of a segment lies. */
const FIRST_FRAME_OFFSET = 4096

/** What stands for a record in the chain: all that is hashed of it but its body's digest. */
export function hashedHeader(record: LogRecord): Buffer {
  const header = Buffer.alloc(HEADER_BYTES)
  header.writeUInt8(record.type, 0)
  header.writeUInt8(record.encoding, 1)
  header.writeUInt32LE(record.bodyLength, 4)
  header.writeBigUInt64LE(BigInt(record.sequence), 8)
  header.writeBigUInt64LE(BigInt(record.group), 16)
  header.writeBigUInt64LE(BigInt(record.timeMs), 24)
  return header
}

/** chain = SHA-256(previous chain ‖ header ‖ SHA-256(body)), as hex. */
export function nextChain(previous: Buffer, header: Buffer, digest: Buffer): string {
  return hash('sha256', Buffer.concat([previous, header, digest]), 'hex')
}

/** How a record is tied into the chain; everything as hex. */
export interface ChainProof {
  /** `undefined` when the record before it is damaged */
  readonly previous: string | undefined
  readonly header: string
  readonly digest: string
  /** as the record states it */
  readonly chain: string
  /** from previous, header and digest; equal to `chain` where the proof holds */
  readonly recomputed: string | undefined
  readonly segmentStart: {
    readonly segment: string
    readonly firstSequence: number
    /** the chain in the segment's header, with which it begins */
    readonly chain: string
    /** links from there to this record, itself included */
    readonly links: number
    /** whether each of them was recomputed and is equal */
    readonly holds: boolean
  }
}

/** Follows the chain through all records in order and recomputes each link. */
export class ChainWalk {
  readonly #starts: ReadonlyMap<string, Buffer>
  readonly #previous = Buffer.alloc(SEGMENT_CHAIN.sizeBytes)
  #previousKnown = false
  #sequence = 0
  #segment = ''
  #segmentFirst = 0
  #start: Buffer = Buffer.alloc(0)
  #lastBreak = 0
  #header: Buffer = Buffer.alloc(0)
  #before: Buffer | undefined
  #recomputed: string | undefined

  private constructor(starts: ReadonlyMap<string, Buffer>) {
    this.#starts = starts
  }

  static async through(pinned: PinnedLog): Promise<ChainWalk> {
    const starts = new Map<string, Buffer>()
    for (const segment of pinned.segments) {
      starts.set(segment, await pinned.read(segment, SEGMENT_CHAIN.offset, SEGMENT_CHAIN.sizeBytes))
    }
    return new ChainWalk(starts)
  }

  /** Takes the next record; its buffers may change after the call. */
  follow(record: LogRecord, location: RecordLocation): void {
    const follows = this.#previousKnown && record.sequence === this.#sequence + 1
    if (location.segment !== this.#segment) this.#enter(record, location, follows)
    else if (!follows) this.#previousKnown = false
    this.#header = hashedHeader(record)
    this.#before = this.#previousKnown ? Buffer.from(this.#previous) : undefined
    this.#recomputed = this.#before && nextChain(this.#before, this.#header, record.digest)
    if (this.#recomputed !== record.chain.toString('hex')) this.#lastBreak = record.sequence
    record.chain.copy(this.#previous)
    this.#previousKnown = true
    this.#sequence = record.sequence
  }

  /** The proof of the record that was followed last. */
  proof(record: LogRecord): ChainProof {
    return {
      previous: this.#before?.toString('hex'),
      header: this.#header.toString('hex'),
      digest: record.digest.toString('hex'),
      chain: record.chain.toString('hex'),
      recomputed: this.#recomputed,
      segmentStart: {
        segment: this.#segment,
        firstSequence: this.#segmentFirst,
        chain: this.#start.toString('hex'),
        links: record.sequence - this.#segmentFirst + 1,
        holds: this.#lastBreak < this.#segmentFirst,
      },
    }
  }

  /** The last record whose link is not equal or could not be recomputed; 0 when there is none. */
  get lastBreak(): number {
    return this.#lastBreak
  }

  #enter(record: LogRecord, location: RecordLocation, follows: boolean): void {
    this.#segment = location.segment
    this.#segmentFirst = Number.parseInt(location.segment, 16)
    this.#start = this.#starts.get(location.segment) ?? Buffer.alloc(0)
    const begins = location.offset === FIRST_FRAME_OFFSET && record.sequence === this.#segmentFirst
    const known = begins && this.#start.length === SEGMENT_CHAIN.sizeBytes
    // a segment that does not begin with the chain that the one before it ends with
    const cut = follows && known && !this.#start.equals(this.#previous)
    this.#previousKnown = known && !cut
    if (known) this.#start.copy(this.#previous)
  }
}
