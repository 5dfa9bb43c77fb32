import { join } from 'node:path'
import type { OpenFile } from './files.js'
import { parseSegmentName, SEGMENT_HEADER_BYTES } from './format.js'
import type { ScanPoint } from './scan.js'

/** Every so many records a place is remembered: 16 bytes for 64 records, and a look-up reads 64 at most. */
const INDEX_EVERY = 64

/** Where reading begins to reach a certain record. */
export interface ReadStart {
  readonly offset: number
  readonly before: ScanPoint
}

/** One segment as its readers need it: where its records are, and how far it may be read. */
export class Segment {
  readonly firstSequence: number
  readonly #directory: string
  readonly #before: ScanPoint
  readonly #sequences: number[] = []
  readonly #offsets: number[] = []
  #frames = 0
  #lastSequence: number
  #readableEnd = SEGMENT_HEADER_BYTES
  #name: string
  #quarantined: boolean

  constructor(directory: string, name: string, before: ScanPoint) {
    const parsed = parseSegmentName(name)
    this.#directory = directory
    this.#name = name
    this.#before = before
    this.firstSequence = parsed?.firstSequence ?? before.sequence + 1
    this.#quarantined = parsed?.quarantined ?? false
    this.#lastSequence = before.sequence
  }

  get name(): string {
    return this.#name
  }

  get path(): string {
    return join(this.#directory, this.#name)
  }

  get quarantined(): boolean {
    return this.#quarantined
  }

  /** Takes note that the file was renamed because it is damaged. */
  quarantineAs(name: string): void {
    this.#name = name
    this.#quarantined = true
  }

  /** The highest intact sequence; below `firstSequence` while there is none. */
  get lastSequence(): number {
    return this.#lastSequence
  }

  get frames(): number {
    return this.#frames
  }

  /** Nothing at or beyond this offset may be read: it is not flushed, or not a record. */
  get readableEnd(): number {
    return this.#readableEnd
  }

  /** Takes note of an intact, flushed frame; they must come in order. */
  note(sequence: number, offset: number, frameBytes: number): void {
    if (this.#frames % INDEX_EVERY === 0) {
      this.#sequences.push(sequence)
      this.#offsets.push(offset)
    }
    this.#frames += 1
    this.#lastSequence = sequence
    this.#readableEnd = offset + frameBytes
  }

  /** The nearest remembered place at or before the record with that sequence. */
  startFor(sequence: number): ReadStart {
    const place = this.#indexed(sequence)
    const indexed = this.#sequences[place]
    const offset = this.#offsets[place]
    if (place < 1 || indexed === undefined || offset === undefined) {
      return { offset: SEGMENT_HEADER_BYTES, before: this.#before }
    }
    return { offset, before: { sequence: indexed - 1, group: undefined, chain: undefined } }
  }

  /** Where a reader that needs no record beyond `sequence` may stop. */
  endFor(sequence: number): number {
    return this.#offsets[this.#indexed(sequence) + 1] ?? this.#readableEnd
  }

  /** Index of the last remembered record at or before `sequence`; -1 when there is none. */
  #indexed(sequence: number): number {
    let low = 0
    let high = this.#sequences.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#sequences[middle] ?? 0) <= sequence) low = middle + 1
      else high = middle
    }
    return low - 1
  }
}

/** The segment that is appended to: its file, and how long that is. */
export interface ActiveSegment {
  readonly segment: Segment
  readonly file: OpenFile
  /** written zeros up to here */
  readonly capacityBytes: number
}
