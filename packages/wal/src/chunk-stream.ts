import { type OpenFile, readFully } from './files.js'

/** Most room before a chunk for what is left of the one before, so that a frame across the border is in one piece. */
const HEADROOM_BYTES_MAX = 64 * 1024

export interface ChunkRange {
  readonly start: number
  readonly end: number
  readonly chunkBytes: number
  /** Two buffers by turns: views of a chunk are valid only until the next `advance`. */
  readonly reuseBuffers: boolean
}

interface Chunk {
  readonly buffer: Buffer
  readonly length: number
}

/** A range of a file in large chunks, the next one read while this one is worked on. */
export class ChunkStream {
  readonly #file: OpenFile
  readonly #range: ChunkRange
  readonly #spare: Buffer[] = []
  readonly #headroomBytes: number
  #end: number
  #readTo: number
  #pending: Promise<Chunk | Error> | undefined
  #current: Buffer | undefined
  #bytes: Buffer = Buffer.alloc(0)
  #position: number

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

  /** Where the range ends; moves down when the file proves shorter. */
  get end(): number {
    return this.#end
  }

  /** Gets more bytes and lets go of those before `keepFrom` (a file offset); false when there are no more. */
  async advance(keepFrom: number): Promise<boolean> {
    const chunk = await (this.#pending ?? this.#read())
    this.#pending = undefined
    if (chunk instanceof Error) throw chunk
    if (chunk === NOTHING) return false
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
    this.#pending = this.#read()
    return true
  }

  /** Resolves when nothing is read any more: only then may the file be closed. */
  async settle(): Promise<void> {
    await this.#pending
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
      return length === 0 ? NOTHING : { buffer, length }
    } catch (error) {
      // kept for the next advance: a promise that nobody awaits yet must not reject
      return error instanceof Error ? error : new Error(String(error))
    }
  }

  #takeBuffer(sizeBytes: number): Buffer {
    const spare = this.#spare.pop()
    if (spare !== undefined && spare.length >= this.#headroomBytes + sizeBytes) return spare
    return Buffer.allocUnsafeSlow(this.#headroomBytes + sizeBytes)
  }

  #recycle(buffer: Buffer): void {
    if (this.#range.reuseBuffers && this.#spare.length < 2) this.#spare.push(buffer)
  }
}

const NOTHING: Chunk = { buffer: Buffer.alloc(0), length: 0 }
