import type { Logger } from '@fractal-lba/runtime'

/** Logs a failure that repeats once, and then again only after everyMs. */
export class OccasionalWarning {
  readonly #logger: Logger
  readonly #everyMs: number
  #silentUntilMonotonicMs: number

  /** @param silentMs nothing is logged during this time from now on. */
  constructor(logger: Logger, everyMs: number, silentMs = 0) {
    this.#logger = logger
    this.#everyMs = everyMs
    this.#silentUntilMonotonicMs = performance.now() + silentMs
  }

  warn(error: unknown, sentence: string): void {
    if (performance.now() < this.#silentUntilMonotonicMs) return
    this.#logger.warn({ why: String(error) }, sentence)
    this.#silentUntilMonotonicMs = performance.now() + this.#everyMs
  }

  /** The next failure is logged at once: it belongs to another step. */
  reset(): void {
    this.#silentUntilMonotonicMs = 0
  }
}
