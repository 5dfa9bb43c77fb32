import { CHUNKS_AHEAD, type Checked, type ChunkCheck, UNCHECKED } from './check-ahead.js'
import { type OpenFile, readFully } from './files.js'

/** Most room before a chunk for what is left of the one before, so that a frame across the border is in one piece. */
const HEADROOM_BYTES_MAX = 64 * 1024
const BUFFERS = CHUNKS_AHEAD + 2

export interface ChunkRange {
  readonly start: number
  readonly end: number
  readonly chunkBytes: number
  /** A few buffers by turns: views of a chunk are valid only until the next `advance`. */
  readonly reuseBuffers: boolean
  /** Looks at each chunk before it is at hand. */
  readonly check?: ChunkCheck | undefined
}

interface Chunk {
  readonly buffer: Buffer
  readonly length: number
  readonly checked: Checked
}

/** A range of a file in large chunks, the next ones read while this one is worked on. */
export class ChunkStream {
  readonly #file: OpenFile
  readonly #range: ChunkRange
  readonly #spare: Buffer[] = []
  readonly #headroomBytes: number
  readonly #ahead: Promise<Chunk | Error>[] = []
  #reading: Promise<unknown> = Promise.resolve()
  #end: number
  #readTo: number
  #current: Buffer | undefined
  #bytes: Buffer = Buffer.alloc(0)
  #position: number
  #checked = UNCHECKED

  constructor(file: OpenFile, range: ChunkRange) {
    this.#file = file
    this.#range = range
    this.#headroomBytes = Math.min(HEADROOM_BYTES_MAX, range.chunkBytes)
    this.#end = range.end
    this.#readTo = range.start
    this.#position = range.start
  }

  /** What is at hand. */
  get bytes(): Buffer {
    return this.#bytes
  }

  /** File offset of the first byte at hand. */
  get position(): number {
    return this.#position
  }

  /** Of the frames that end in what is at hand. */
  get checked(): Checked {
    return this.#checked
  }

  /** Where the range ends; moves down when the file proves shorter. */
  get end(): number {
    return this.#end
  }

  /** Gets more bytes and lets go of those before `keepFrom` (a file offset); false when there are no more. */
  async advance(keepFrom: number): Promise<boolean> {
    this.#readAhead()
    const chunk = await this.#ahead.shift()
    if (chunk instanceof Error) throw chunk
    if (chunk === undefined || chunk === NOTHING) return false
    const kept = this.#bytes.subarray(keepFrom - this.#position)
    const previous = this.#current
    if (kept.length <= this.#headroomBytes) {
      const start = this.#headroomBytes - kept.length
      kept.copy(chunk.buffer, start)
      this.#bytes = chunk.buffer.subarray(start, this.#headroomBytes + chunk.length)
      this.#current = chunk.buffer
      if (previous !== undefined) this.#recycle(previous)
    } else {
      this.#bytes = Buffer.concat([
        kept,
        chunk.buffer.subarray(this.#headroomBytes, this.#headroomBytes + chunk.length),
      ])
      this.#current = undefined
      if (previous !== undefined) this.#recycle(previous)
      this.#recycle(chunk.buffer)
    }
    this.#position = keepFrom
    this.#checked = chunk.checked
    this.#readAhead()
    // What was read meanwhile gets to its check before this chunk is worked on.
    if (this.#range.check) await new Promise((resolve) => setImmediate(resolve))
    return true
  }

  /** Resolves when nothing is read any more: only then may the file be closed. */
  async settle(): Promise<void> {
    await Promise.all(this.#ahead)
  }

  #readAhead(): void {
    const count = this.#range.check ? CHUNKS_AHEAD : 1
    while (this.#ahead.length < count) {
      const read = this.#reading.then(() => this.#read())
      this.#reading = read
      this.#ahead.push(read.then((chunk) => this.#withCheck(chunk)))
    }
  }

  async #withCheck(chunk: Chunk | Error): Promise<Chunk | Error> {
    const { check } = this.#range
    if (!check || chunk instanceof Error || chunk === NOTHING) return chunk
    return { ...chunk, checked: await check(chunk.buffer, this.#headroomBytes, chunk.length) }
  }

  async #read(): Promise<Chunk | Error> {
    const wanted = Math.min(this.#range.chunkBytes, this.#end - this.#readTo)
    if (wanted <= 0) return NOTHING
    const buffer = this.#takeBuffer(wanted)
    try {
      const length = await readFully(
        this.#file,
        buffer.subarray(this.#headroomBytes, this.#headroomBytes + wanted),
        this.#readTo,
      )
      this.#readTo += length
      if (length < wanted) this.#end = this.#readTo
      return length === 0 ? NOTHING : { buffer, length, checked: UNCHECKED }
    } catch (error) {
      // kept for the next advance: a rejection before that would be unhandled
      return error instanceof Error ? error : new Error(String(error))
    }
  }

  #takeBuffer(sizeBytes: number): Buffer {
    const spare = this.#spare.pop()
    const wanted = this.#headroomBytes + sizeBytes
    if (spare !== undefined && spare.length >= wanted) return spare
    // A check is done in another thread.
    return this.#range.check ? Buffer.from(new SharedArrayBuffer(wanted)) : Buffer.allocUnsafeSlow(wanted)
  }

  #recycle(buffer: Buffer): void {
    if (this.#range.reuseBuffers && this.#spare.length < BUFFERS) this.#spare.push(buffer)
  }
}

const NOTHING: Chunk = { buffer: Buffer.alloc(0), length: 0, checked: UNCHECKED }
