import { join } from 'node:path'
import type { Files, OpenFile } from './files.js'
import { parseSegmentName, SEGMENT_HEADER_BYTES } from './format.js'
import type { ScanPoint } from './scan.js'

/** Every so many records a place is remembered: 16 bytes for 64 records, and a look-up reads 64 at most. */
const INDEX_EVERY = 64

/** Where reading begins to reach a certain record. */
export interface ReadStart {
  readonly offset: number
  readonly before: ScanPoint
}

/** Where the records of a segment lie: every so many of them, and the end. */
export class SegmentIndex {
  readonly #sequences: number[] = []
  readonly #offsets: number[] = []
  #frames = 0
  #lastSequence = 0
  #end = SEGMENT_HEADER_BYTES

  get frames(): number {
    return this.#frames
  }

  /** 0 while there is none */
  get lastSequence(): number {
    return this.#lastSequence
  }

  /** Where the last frame ends. */
  get end(): number {
    return this.#end
  }

  /** Takes note of a frame; they must come in order. */
  note(sequence: number, offset: number, frameBytes: number): void {
    if (this.#frames % INDEX_EVERY === 0) {
      this.#sequences.push(sequence)
      this.#offsets.push(offset)
    }
    this.#frames += 1
    this.#lastSequence = sequence
    this.#end = offset + frameBytes
  }

  /** The last remembered record at or before that sequence, unless it is the first of all. */
  before(sequence: number): { sequence: number; offset: number } | undefined {
    const place = this.#place(sequence)
    const indexed = this.#sequences[place]
    const offset = this.#offsets[place]
    return place < 1 || indexed === undefined || offset === undefined
      ? undefined
      : { sequence: indexed, offset }
  }

  /** Where a reader that needs no record beyond `sequence` may stop. */
  endFor(sequence: number): number {
    return this.#offsets[this.#place(sequence) + 1] ?? this.#end
  }

  /** Position of the last remembered record at or before `sequence`; -1 when there is none. */
  #place(sequence: number): number {
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

/** One segment as its readers need it: where its records are, and how far it may be read. */
export class Segment {
  readonly firstSequence: number
  readonly #directory: string
  readonly #before: ScanPoint
  #index = new SegmentIndex()
  #name: string
  #quarantined: boolean
  #removed = false
  #replacing: Promise<void> | undefined

  constructor(directory: string, name: string, before: ScanPoint) {
    const parsed = parseSegmentName(name)
    this.#directory = directory
    this.#name = name
    this.#before = before
    this.firstSequence = parsed?.firstSequence ?? before.sequence + 1
    this.#quarantined = parsed?.quarantined ?? false
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

  get removed(): boolean {
    return this.#removed
  }

  /** Takes note that the file is about to be removed. */
  remove(): void {
    this.#removed = true
  }

  /** The highest intact sequence; below `firstSequence` while there is none. */
  get lastSequence(): number {
    return this.#index.frames === 0 ? this.#before.sequence : this.#index.lastSequence
  }

  get frames(): number {
    return this.#index.frames
  }

  /** Nothing at or beyond this offset may be read: it is not flushed, or not a record. */
  get readableEnd(): number {
    return this.#index.end
  }

  /** Takes note of an intact, flushed frame; they must come in order. */
  note(sequence: number, offset: number, frameBytes: number): void {
    this.#index.note(sequence, offset, frameBytes)
  }

  /** The nearest remembered place at or before the record with that sequence. */
  startFor(sequence: number): ReadStart {
    const indexed = this.#index.before(sequence)
    if (indexed === undefined) return { offset: SEGMENT_HEADER_BYTES, before: this.#before }
    return {
      offset: indexed.offset,
      before: { sequence: indexed.sequence - 1, group: undefined, chain: undefined },
    }
  }

  /** Where a reader that needs no record beyond `sequence` may stop. */
  endFor(sequence: number): number {
    return this.#index.endFor(sequence)
  }

  /**
   * Opens the file together with its index: `locate` is called with places that fit the file that was opened,
   * although compaction may replace both at any time.
   */
  async open<Place>(files: Files, locate: () => Place): Promise<{ file: OpenFile; place: Place }> {
    for (;;) {
      await this.#replacing
      const index = this.#index
      const place = locate()
      const file = await files.open(this.path, 'read')
      if (this.#replacing === undefined && index === this.#index) return { file, place }
      await file.close()
    }
  }

  /** Replaces file and index together: opening the file waits while `exchange` is under way. */
  async replace(index: SegmentIndex, exchange: () => Promise<void>): Promise<void> {
    const replacing = exchange().then(() => {
      this.#index = index
    })
    // a failed exchange ends the log; those who wait for it go on and find what is there
    this.#replacing = replacing.catch(() => undefined)
    try {
      await replacing
    } finally {
      this.#replacing = undefined
    }
  }
}

/** The segment that is appended to: its file, and how long that is. */
export interface ActiveSegment {
  readonly segment: Segment
  readonly file: OpenFile
  /** written zeros up to here */
  readonly capacityBytes: number
}
