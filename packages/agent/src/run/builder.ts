import { Worker } from 'node:worker_threads'
import type { BuildResult, BuildRules, BuildTask } from './record-builder.js'

/** Builds records in a thread of its own, one at a time. */
export class Builder {
  readonly #rules: BuildRules
  #worker: Worker | undefined
  #settle: (result: BuildResult) => void = () => undefined
  #closed = false

  constructor(rules: BuildRules) {
    this.#rules = rules
  }

  /** Rejects when the thread dies, for want of memory for instance. The next file is built in a new thread. */
  build(task: BuildTask): Promise<BuildResult> {
    if (this.#closed) return Promise.resolve({ kind: 'unreadable', why: 'the agent is stopping' })
    this.#worker ??= this.#start()
    this.#worker.postMessage(task)
    return new Promise((resolve) => {
      this.#settle = resolve
    })
  }

  /** Ends the thread; the file of a build under way stays as if it had not been looked at. */
  async close(): Promise<void> {
    this.#closed = true
    this.#settle({ kind: 'unreadable', why: 'the agent is stopping' })
    await this.#worker?.terminate()
  }

  #start(): Worker {
    const worker = new Worker(new URL('./build-worker.js', import.meta.url), { workerData: this.#rules })
    const died = (why: string): void => {
      if (this.#worker === worker) this.#worker = undefined
      this.#settle({ kind: 'refused', why: `no record could be built: ${why}` })
    }
    worker.on('message', (result: BuildResult) => this.#settle(result))
    worker.on('error', (error) => died(error instanceof Error ? error.message : String(error)))
    worker.on('exit', () => died('the thread that builds it ended'))
    return worker
  }
}
