import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

/** Threads that call crypto.verify and nothing else: what the machine can do at best. */
export class PureVerify {
  readonly #threads: readonly Worker[]

  private constructor(threads: readonly Worker[]) {
    this.#threads = threads
  }

  static async open(threads: number): Promise<PureVerify> {
    const program = new URL('./verifying-thread.js', import.meta.url)
    const all = Array.from({ length: threads }, () => new Worker(program))
    await Promise.all(all.map((thread) => once(thread, 'message')))
    return new PureVerify(all)
  }

  /** How many checks all threads together do in this time. */
  async run(durationMs: number): Promise<number> {
    const answers = this.#threads.map((thread) => once(thread, 'message'))
    for (const thread of this.#threads) thread.postMessage(durationMs)
    const counts = await Promise.all(answers)
    return counts.reduce((sum, [count]) => sum + Number(count), 0)
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.terminate()))
  }
}
