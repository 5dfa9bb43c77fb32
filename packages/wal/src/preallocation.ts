import { join } from 'node:path'
import { isNoSpace, WalError } from './errors.js'
import { type Files, type OpenFile, writeZeros } from './files.js'
import { PREPARED_NAME } from './format.js'
import { SpaceRetry, type SpaceRetryOptions } from './space-retry.js'

/** Written and flushed at a time, so that a group's flush never waits behind a whole segment of zeros. */
const STEP_BYTES = 4 << 20

export interface PreparerOptions extends SpaceRetryOptions {
  readonly files: Files
  readonly directory: string
  readonly segmentBytes: number
}

/** Prepares the next segment ahead: a file of written, flushed zeros, still under a name that is no segment's. */
export class SegmentPreparer {
  readonly #options: PreparerOptions
  readonly #retry: SpaceRetry
  #prepared: OpenFile | undefined
  #closing = false

  constructor(options: PreparerOptions) {
    this.#options = options
    this.#retry = new SpaceRetry(options, () => this.#prepare())
  }

  get path(): string {
    return join(this.#options.directory, PREPARED_NAME)
  }

  /** Why there is no next segment, while there is no room for one. */
  get refusal(): Error | undefined {
    return this.#retry.refusal
  }

  /** Prepares in the background unless that is done or under way. */
  start(): void {
    if (this.#prepared === undefined) void this.#retry.start()
  }

  /** The prepared file, which is then the caller's; rejects with `out_of_space` when there is no room for it. */
  async take(): Promise<OpenFile> {
    if (this.#prepared === undefined) await this.#retry.start()
    const file = this.#prepared
    if (file === undefined) {
      throw this.refusal ?? new WalError('closed', 'The log was closed before its next segment was ready.')
    }
    this.#prepared = undefined
    return file
  }

  /** Ends the work and removes a file that was not taken. */
  async close(): Promise<void> {
    this.#closing = true
    await this.#retry.stop()
    if (this.#prepared === undefined) return
    await this.#prepared.close()
    this.#prepared = undefined
    await this.#options.files.unlink(this.path)
  }

  async #prepare(): Promise<void> {
    const { files, directory, segmentBytes } = this.#options
    const freeBytes = await files.freeBytes(directory)
    if (freeBytes < segmentBytes) throw this.#outOfSpace(`${freeBytes} bytes are free`)
    const file = await files.open(this.path, 'create')
    try {
      for (let start = 0; start < segmentBytes && !this.#closing; start += STEP_BYTES) {
        await writeZeros(file, start, Math.min(segmentBytes, start + STEP_BYTES))
        await file.datasync()
      }
    } catch (error) {
      if (!isNoSpace(error)) throw error
      await file.close()
      await files.unlink(this.path) // what was written of it would keep others from their room
      throw this.#outOfSpace('the disk or a limit is full', error)
    }
    this.#prepared = file
  }

  #outOfSpace(found: string, cause?: unknown): WalError {
    const { directory, segmentBytes } = this.#options
    const sentence = `There is no room in ${directory} for a segment of ${segmentBytes} bytes (${found}); free some space.`
    return new WalError('out_of_space', sentence, cause)
  }
}
