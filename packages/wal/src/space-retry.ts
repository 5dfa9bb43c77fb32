import type { Clock } from './clock.js'
import { asError, isWalError } from './errors.js'

export interface SpaceRetryOptions {
  readonly clock: Clock
  readonly retryMs: number
  /** Called when an attempt found no room, unless the one before did not either. */
  readonly onRefused: (reason: string) => void
  /** Called when an attempt succeeded after one that found no room. */
  readonly onRecovered: () => void
  readonly onFatal: (cause: Error) => void
}

/** Something that needs room on the disk: tried in the background, again and again while there is none. */
export class SpaceRetry {
  readonly #options: SpaceRetryOptions
  readonly #attempt: () => Promise<void>
  #running: Promise<void> | undefined
  #cancelTimer: (() => void) | undefined
  #refusal: Error | undefined
  #stopped = false

  /** `attempt` rejects with the WalError `out_of_space` when there is no room; any other rejection is fatal. */
  constructor(options: SpaceRetryOptions, attempt: () => Promise<void>) {
    this.#options = options
    this.#attempt = attempt
  }

  /** Why the last attempt was refused, while none has succeeded since. */
  get refusal(): Error | undefined {
    return this.#refusal
  }

  /** Tries now unless an attempt is under way or refused a moment ago. Resolves when the attempt has ended. */
  start(): Promise<void> {
    if (this.#stopped || this.#cancelTimer !== undefined) return Promise.resolve()
    this.#running ??= this.#run()
    return this.#running
  }

  /** Tries no more; resolves when the attempt under way has ended. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    await this.#running
  }

  async #run(): Promise<void> {
    try {
      await this.#attempt()
      const recovered = this.#refusal !== undefined
      this.#refusal = undefined
      if (recovered) this.#options.onRecovered()
    } catch (thrown) {
      const error = asError(thrown)
      if (isWalError(error, 'out_of_space')) this.#refused(error)
      else this.#options.onFatal(error)
    } finally {
      this.#running = undefined
    }
  }

  #refused(error: Error): void {
    const first = this.#refusal === undefined
    this.#refusal = error
    if (first) this.#options.onRefused(error.message)
    if (this.#stopped) return
    this.#cancelTimer = this.#options.clock.after(this.#options.retryMs, () => {
      this.#cancelTimer = undefined
      void this.start()
    })
  }
}
