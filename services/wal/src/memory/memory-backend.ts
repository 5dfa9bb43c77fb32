import { hash, randomBytes } from 'node:crypto'
import { unavailable } from '@fractal-lba/runtime'
import type { LogBackend, RecordToAppend, RecoveredRecord, StoredRecord } from '../log/log-backend.js'

export interface MemoryBackendOptions {
  /** Most bytes that it keeps, bodies and what comes with each. */
  readonly bytesMax: number
  /** Awaited before an append resolves and what it brings can be read: what a disk's flush is to a log. */
  readonly flush?: () => Promise<void>
}

/** Beyond this share of the limit only marks, fences and the like are taken, so that what is in can be finished. */
const SUBMISSIONS_SHARE = 3 / 4
/** About what an object and its place cost beside the body. */
const RECORD_OVERHEAD_BYTES = 256
const READ_RECORDS = 256

/** The records of a log in an array, by sequence. Nothing of it survives the process. */
export class MemoryBackend implements LogBackend {
  readonly logId: string
  readonly #options: MemoryBackendOptions
  readonly #records: RecoveredRecord[]
  #chain: string
  /** Of what is in and of what is on its way. */
  #bytes: number
  #writing: Promise<unknown> = Promise.resolve()
  #failure: string | undefined

  /** @param earlier whose records this one goes on with, after it was closed */
  constructor(options: MemoryBackendOptions, earlier?: MemoryBackend) {
    this.#options = options
    this.logId = earlier ? earlier.logId : randomBytes(16).toString('hex')
    this.#records = earlier ? [...earlier.#records] : []
    this.#chain = earlier ? earlier.#chain : '0'.repeat(64)
    this.#bytes = earlier ? earlier.#bytes : 0
  }

  append(records: readonly RecordToAppend[]): Promise<number> {
    const sizeBytes = records.reduce((sum, { body }) => sum + RECORD_OVERHEAD_BYTES + body.length, 0)
    const refusal = this.#failure ?? this.#refusalBeyond(this.#options.bytesMax - sizeBytes)
    if (refusal !== undefined) return Promise.reject(unavailable(refusal))
    this.#bytes += sizeBytes
    const written = this.#writing.then(() => this.#write(records))
    // Its caller gets the error; those behind it find the failure themselves.
    this.#writing = written.catch(() => undefined)
    return written
  }

  async *read(fromSequence: number, types: ReadonlySet<number>): AsyncGenerator<readonly StoredRecord[]> {
    const end = this.#records.length
    for (let start = Math.max(0, fromSequence - 1); start < end; start += READ_RECORDS) {
      const batch = this.#records.slice(start, Math.min(end, start + READ_RECORDS))
      const wanted = batch.filter(({ type }) => types.has(type))
      if (wanted.length > 0) yield wanted
    }
  }

  async readOne(sequence: number): Promise<StoredRecord | undefined> {
    return this.#records[sequence - 1]
  }

  /** All of it, in order: what a state is derived from. */
  recovered(): Iterable<RecoveredRecord> {
    return this.#records.values()
  }

  head(): { readonly sequence: number; readonly chain: string } {
    return { sequence: this.#records.length, chain: this.#chain }
  }

  get refusal(): string | undefined {
    return this.#failure ?? this.#refusalBeyond(this.#options.bytesMax * SUBMISSIONS_SHARE)
  }

  readonly damaged: readonly string[] = []

  get sizeBytes(): number {
    return this.#bytes
  }

  async close(): Promise<void> {
    await this.#writing
    this.#failure ??= 'the log is closed'
  }

  #refusalBeyond(bytesMax: number): string | undefined {
    if (this.#bytes <= bytesMax) return undefined
    return `the log is kept in memory and has ${this.#bytes} of ${this.#options.bytesMax} bytes; keep it in a directory, where it can be longer`
  }

  async #write(records: readonly RecordToAppend[]): Promise<number> {
    if (this.#failure !== undefined) throw unavailable(this.#failure)
    try {
      await this.#options.flush?.()
    } catch (error) {
      // As on a disk: nobody knows what is durable now, so nothing is acknowledged after it.
      this.#failure = 'a flush of the log has failed; start it again'
      throw unavailable(this.#failure, error)
    }
    const first = this.#records.length + 1
    for (const record of records) this.#place(record)
    return first
  }

  #place({ type, body: bytes, timeMs }: RecordToAppend): void {
    const body = Buffer.from(bytes)
    this.#chain = hash('sha256', `${this.#chain}${type}:${timeMs}:${hash('sha256', body)}`)
    const bodyByte = (index: number): number | undefined => body[index]
    const sequence = this.#records.length + 1
    this.#records.push({ type, sequence, timeMs, body, hasBody: true, bodyLength: body.length, bodyByte })
  }
}
