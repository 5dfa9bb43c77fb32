import { createRequire } from 'node:module'
import { Worker } from 'node:worker_threads'
import type { CheckRequest } from './check-worker.js'
import type { CheckRange } from './frame-check.js'

/** Checks a chunk behind its headroom; resolves with the file offset up to which its frames are good. */
export type ChunkCheck = (buffer: Buffer, headroomBytes: number, lengthBytes: number) => Promise<number>

/** Nothing was checked: the scan does it all. */
const NOTHING = 0

/**
 * A thread that checks the frames of a long log ahead of the scan, so that a start takes two processors instead
 * of one. Where it fails, the scan goes on without it.
 */
export class CheckAhead {
  readonly #worker: Worker
  readonly #onFailure: (error: Error) => void
  #waiting: ((checkedTo: number) => void)[] = []
  #over = false

  /** @param onFailure told once. */
  constructor(onFailure: (error: Error) => void) {
    this.#onFailure = onFailure
    // By the package's own name, so that the compiled file is found also where the sources are run.
    const file = createRequire(import.meta.url).resolve('@fractal-lba/wal/check-worker')
    this.#worker = new Worker(file)
    this.#worker.on('message', (checkedTo: number) => this.#waiting.shift()?.(checkedTo))
    this.#worker.on('error', (error) => this.#fail(error))
    this.#worker.on('exit', () => this.#fail(new Error('the thread ended')))
  }

  /** For the chunks of one segment, which must come in order; one segment at a time. */
  segment(range: CheckRange): ChunkCheck {
    let begin: CheckRange | undefined = range
    return (buffer, headroomBytes, lengthBytes) => {
      if (this.#over || !(buffer.buffer instanceof SharedArrayBuffer)) return Promise.resolve(NOTHING)
      const request: CheckRequest = { begin, buffer: buffer.buffer, headroomBytes, lengthBytes }
      begin = undefined
      return new Promise((resolve) => {
        this.#waiting.push(resolve)
        this.#worker.postMessage(request)
      })
    }
  }

  async close(): Promise<void> {
    this.#over = true
    await this.#worker.terminate()
  }

  #fail(error: Error): void {
    for (const resolve of this.#waiting.splice(0)) resolve(NOTHING)
    if (!this.#over) this.#onFailure(error)
    this.#over = true
  }
}
