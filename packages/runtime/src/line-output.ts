import { writeSync } from 'node:fs'

/** How long a reader that is too slow is waited for (EAGAIN), before the line is lost. */
const WAIT_MS_MAX = 1_000
const WAIT_STEP_MS = 10

/**
 * Lines on a file descriptor, each written before `write` returns. A line that cannot be written (a full disk, a
 * reader that has gone) is lost and counted; the process goes on.
 */
export class LineOutput {
  readonly #fd: number
  readonly #onBrokenPipe: () => void
  #linesLost = 0
  /** The last line was written in part. */
  #isTorn = false

  /** @param onBrokenPipe called for each line that was lost because its reader has gone. */
  constructor(fd: number, onBrokenPipe: () => void = () => undefined) {
    this.#fd = fd
    this.#onBrokenPipe = onBrokenPipe
  }

  get linesLost(): number {
    return this.#linesLost
  }

  /** @param text whole lines, each with its end. */
  write(text: string): void {
    const bytes = Buffer.from(this.#isTorn ? `\n${text}` : text)
    const progress = { written: 0 }
    try {
      writeAll(this.#fd, bytes, progress)
      this.#isTorn = false
    } catch (error) {
      this.#linesLost += 1
      this.#isTorn ||= progress.written > 0
      if (error instanceof Error && 'code' in error && error.code === 'EPIPE') this.#onBrokenPipe()
    }
  }
}

function writeAll(fd: number, bytes: Buffer, progress: { written: number }): void {
  let waitedMs = 0
  while (progress.written < bytes.length) {
    try {
      progress.written += writeSync(fd, bytes, progress.written)
    } catch (error) {
      const isBusy = error instanceof Error && 'code' in error && error.code === 'EAGAIN'
      if (!isBusy || waitedMs >= WAIT_MS_MAX) throw error
      waitedMs += WAIT_STEP_MS
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, WAIT_STEP_MS)
    }
  }
}

/** What this process writes its log to. */
export const standardOutput = new LineOutput(1)
export const standardError = new LineOutput(2)
