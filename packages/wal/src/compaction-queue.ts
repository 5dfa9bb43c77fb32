import { asError, WalError } from './errors.js'

/** One compaction at a time; a refusal (a WalError) is for its caller, any other failure ends the log. */
export class CompactionQueue {
  readonly #onFatal: (cause: Error) => void
  #last: Promise<unknown> = Promise.resolve()
  #ended: WalError | undefined

  constructor(onFatal: (cause: Error) => void) {
    this.#onFatal = onFatal
  }

  /** Runs the work after what was asked for before. */
  run<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(() => this.#guarded(work))
    this.#last = result.catch(() => undefined) // the caller of that compaction gets the error
    return result
  }

  /** Takes no more and resolves when the one under way has ended. */
  async close(): Promise<void> {
    this.#ended ??= new WalError('closed', 'The log is closed; open it again to compact it.')
    await this.#last
  }

  async #guarded<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#ended !== undefined) throw this.#ended
    try {
      return await work()
    } catch (thrown) {
      if (thrown instanceof WalError) throw thrown
      const cause = asError(thrown)
      this.#ended = new WalError('failed', `Compaction failed, and with it the log: ${cause.message}`, cause)
      this.#onFatal(cause)
      throw this.#ended
    }
  }
}
