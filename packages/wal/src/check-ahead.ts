import { createRequire } from 'node:module'
import { Worker } from 'node:worker_threads'
import type { CheckRequest } from './check-worker.js'
import type { CheckRange } from './frame-check.js'

/** What was found good of the frames that end in a chunk. */
export interface Checked {
  /** File offset up to which each follows from the one before. */
  readonly to: number
  /** Whether up to there each has its CRC32C as well. */
  readonly crc: boolean
}

/** Checks a chunk behind its headroom. */
export type ChunkCheck = (buffer: Buffer, headroomBytes: number, lengthBytes: number) => Promise<Checked>

/** The scan does it all. */
export const UNCHECKED: Checked = { to: 0, crc: false }

/** Chunks that are read for a check, so that it goes on while this thread does something else; 32 MiB at most. */
export const CHUNKS_AHEAD = 32
/** So many of them wait for the thread, and it leaves CRC32C to the scan. */
const WAITING_MAX = CHUNKS_AHEAD / 2
/** Its next answer must come within this time; a chunk takes it some milliseconds. */
const ANSWER_TIMEOUT_MS = 5_000

export interface CheckThread {
  /** Path of the program that the thread runs. */
  readonly program?: string | undefined
  readonly answerTimeoutMs?: number | undefined
}

/**
 * A thread that checks the frames of a long log ahead of the scan, so that a start takes two processors instead
 * of one. Chain and CRC32C take longer than the rest of a scan: where chunks wait for it, it checks their chain alone,
 * so that both threads come to the end together. Where it fails or does not answer, the scan goes on without it.
 */
export class CheckAhead {
  readonly #worker: Worker
  readonly #onFailure: (error: Error) => void
  readonly #answerTimeoutMs: number
  #waiting: ((checkedTo: number | undefined) => void)[] = []
  /** Runs while an answer is awaited. */
  #answerTimeout: NodeJS.Timeout | undefined
  #over = false

  /** @param onFailure called once. */
  constructor(
    onFailure: (error: Error) => void,
    { program = checkWorker(), answerTimeoutMs = ANSWER_TIMEOUT_MS }: CheckThread = {},
  ) {
    this.#onFailure = onFailure
    this.#answerTimeoutMs = answerTimeoutMs
    this.#worker = new Worker(program)
    this.#worker.on('message', (checkedTo: number) => this.#onAnswer(checkedTo))
    this.#worker.on('error', (error) => this.#fail(error))
    this.#worker.on('exit', () => this.#fail(new Error('the thread ended')))
  }

  /** For the chunks of one segment, which must come in order; one segment at a time. */
  segment(range: CheckRange): ChunkCheck {
    let begin: CheckRange | undefined = range
    return (buffer, headroomBytes, lengthBytes) => {
      if (this.#over || !(buffer.buffer instanceof SharedArrayBuffer)) return Promise.resolve(UNCHECKED)
      const crc = this.#waiting.length < WAITING_MAX
      const request: CheckRequest = { begin, buffer: buffer.buffer, headroomBytes, lengthBytes, withCrc: crc }
      begin = undefined
      return new Promise((resolve) => {
        this.#waiting.push((to) => resolve(to === undefined ? UNCHECKED : { to, crc }))
        if (this.#waiting.length === 1) this.#awaitAnswer()
        this.#worker.postMessage(request)
      })
    }
  }

  async close(): Promise<void> {
    const hasFailed = this.#over
    this.#over = true
    // A thread that hangs may not end either: nobody waits for it.
    if (!hasFailed) await this.#worker.terminate()
  }

  #onAnswer(checkedTo: number): void {
    clearTimeout(this.#answerTimeout)
    this.#waiting.shift()?.(checkedTo)
    if (this.#waiting.length > 0) this.#awaitAnswer()
  }

  #awaitAnswer(): void {
    const timeoutMs = this.#answerTimeoutMs
    this.#answerTimeout = setTimeout(() => {
      this.#fail(new Error(`the thread has not answered for ${timeoutMs} ms`))
    }, timeoutMs)
  }

  #fail(error: Error): void {
    clearTimeout(this.#answerTimeout)
    for (const resolve of this.#waiting.splice(0)) resolve(undefined)
    if (!this.#over) this.#onFailure(error)
    this.#over = true
    this.#worker.unref()
    void this.#worker.terminate()
  }
}

/** By the package's own name, so that the compiled file is found also where the sources are run. */
function checkWorker(): string {
  return createRequire(import.meta.url).resolve('@fractal-lba/wal/check-worker')
}
