import type { Logger } from '@fractal-lba/runtime'

const WINDOW_MS = 10_000

/** Lines of one reason in one window. */
interface Lines {
  written: number
  leftOut: number
}

/**
 * Log lines about single records, at a bounded rate for each reason, so that a flood of bad records does not become one
 * of lines: what is beyond is counted, and the count is written when its window ends.
 */
export class RecordLog {
  readonly #logger: Logger
  readonly #linesMax: number
  /** By reason; there are as many as the code has names for. */
  readonly #lines = new Map<string, Lines>()
  #window: NodeJS.Timeout | undefined

  /** @param linesPerSecond of one reason, as an average over ten seconds */
  constructor(logger: Logger, linesPerSecond: number) {
    this.#logger = logger
    this.#linesMax = linesPerSecond * (WINDOW_MS / 1_000)
  }

  /** @param fieldsOf called only when the line is written */
  write(level: 'info' | 'warn', reason: string, message: string, fieldsOf: () => object): void {
    if (!this.#logger.isLevelEnabled(level)) return
    const lines = this.#linesOf(reason)
    if (lines.written >= this.#linesMax) {
      lines.leftOut += 1
      return
    }
    lines.written += 1
    this.#logger[level]({ reason, ...fieldsOf() }, message)
  }

  /** Writes what was left out until now. */
  close(): void {
    clearTimeout(this.#window)
    this.#window = undefined
    for (const [reason, { leftOut }] of this.#lines) {
      if (leftOut > 0) this.#logger.warn({ reason, leftOut }, 'lines about more such records were left out')
    }
    this.#lines.clear()
  }

  #linesOf(reason: string): Lines {
    this.#window ??= setTimeout(() => this.close(), WINDOW_MS).unref()
    const known = this.#lines.get(reason)
    if (known) return known
    const lines = { written: 0, leftOut: 0 }
    this.#lines.set(reason, lines)
    return lines
  }
}
