import { isatty } from 'node:tty'
import { type DestinationStream, type Logger as PinoLogger, pino } from 'pino'
import { standardOutput } from './line-output.js'
import type { LogLevel } from './log-level.js'
import { humanLine } from './log-line.js'

export type Logger = PinoLogger

/**
 * JSON lines on standard output, or lines for a person where that is a terminal; what cannot be written there is lost
 * and counted (`log_lines_lost_total`). pino escapes every string, so nothing from outside can forge a line.
 * Payloads, keys and signatures are never given to it: the contract's section 7.
 * @param onLine takes each line instead, as JSON without its line end.
 */
export function createLogger(service: string, level: LogLevel, onLine?: (line: string) => void): Logger {
  const destination = onLine ? lineTaker(onLine) : isatty(1) ? terminal(service) : standardOutput
  const options = {
    level,
    base: { service },
    formatters: { level: (label: string) => ({ level: label }) },
    timestamp: pino.stdTimeFunctions.isoTime,
  }
  return pino(options, destination)
}

function lineTaker(onLine: (line: string) => void): DestinationStream {
  return { write: (text) => onLine(text.trimEnd()) }
}

function terminal(service: string): DestinationStream {
  // The logger has left out what is below its level.
  return lineTaker((line) => standardOutput.write(`${humanLine(service, line, 'trace')}\n`))
}

/** Logs what repeats once, and then again only after everyMs. */
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

  /** @param error why, where there is one */
  warn(sentence: string, error?: unknown): void {
    if (performance.now() < this.#silentUntilMonotonicMs) return
    this.#logger.warn(error === undefined ? {} : { why: String(error) }, sentence)
    this.#silentUntilMonotonicMs = performance.now() + this.#everyMs
  }

  /** The next failure is logged at once: it belongs to another step. */
  reset(): void {
    this.#silentUntilMonotonicMs = 0
  }
}
