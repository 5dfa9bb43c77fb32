import { Worker } from 'node:worker_threads'
import type { BuildResult, BuildRules, BuildTask } from './record-builder.js'

/** What JavaScript values of one build may take; the arrays of the events are not counted, the size of a file bounds them. */
const HEAP_MEBIBYTES_MAX = 256

export interface BuilderOptions {
  readonly rules: BuildRules
  /** How long one build may take. */
  readonly timeoutMs: number
  /** What the thread runs; another program in tests. */
  readonly program?: URL
}

/** Builds records in a thread of its own, one at a time, each within a time and a heap. */
export class Builder {
  readonly #options: BuilderOptions
  #worker: Worker | undefined
  #settle: (result: BuildResult) => void = () => undefined
  #closed = false

  constructor(options: BuilderOptions) {
    this.#options = options
  }

  /** Gives `aborted` when the thread ends, for want of memory or of time for instance. The next build has a new thread. */
  build(task: BuildTask): Promise<BuildResult> {
    if (this.#closed) return Promise.resolve(STOPPING)
    this.#worker ??= this.#start()
    const worker = this.#worker
    const { timeoutMs } = this.#options
    return new Promise((resolve) => {
      // Each build listens for itself, and only as long as it lasts: what comes late of a thread settles no other build.
      const settle = (result: BuildResult): void => {
        clearTimeout(timer)
        worker.off('message', settle).off('error', failed).off('exit', exited)
        resolve(result)
      }
      const abort = (why: string): void => {
        if (this.#worker === worker) this.#worker = undefined
        settle({ kind: 'aborted', why })
      }
      const failed = (error: unknown): void => abort(error instanceof Error ? error.message : String(error))
      const exited = (): void => abort('the thread that builds it ended')
      const timer = setTimeout(() => {
        abort(`it took longer than ${timeoutMs} ms`)
        void worker.terminate()
      }, timeoutMs)
      worker.on('message', settle).on('error', failed).on('exit', exited)
      this.#settle = settle
      worker.postMessage(task)
    })
  }

  /** Ends the thread; the file of a build under way stays as if it had not been looked at. */
  async close(): Promise<void> {
    this.#closed = true
    this.#settle(STOPPING)
    await this.#worker?.terminate()
  }

  #start(): Worker {
    const { rules, program = new URL('./build-worker.js', import.meta.url) } = this.#options
    const worker = new Worker(program, {
      workerData: rules,
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MEBIBYTES_MAX },
    })
    const forget = (): void => {
      if (this.#worker === worker) this.#worker = undefined
    }
    worker.on('error', forget).on('exit', forget)
    return worker
  }
}

const STOPPING: BuildResult = { kind: 'unreadable', why: 'the agent is stopping' }
