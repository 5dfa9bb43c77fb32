import { type DestinationStream, type Logger as PinoLogger, pino } from 'pino'
import { standardOutput } from './line-output.js'

export type Logger = PinoLogger

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const
export type LogLevel = (typeof logLevels)[number]

/**
 * JSON lines on standard output; what cannot be written there is lost and counted (`log_lines_lost_total`). pino escapes every string, so nothing from outside can forge a line.
 * Payloads, keys and signatures are never given to it: the contract's section 7.
 * @param onLine takes each line instead, without its line end.
 */
export function createLogger(service: string, level: LogLevel, onLine?: (line: string) => void): Logger {
  const destination = onLine ? lineTaker(onLine) : standardOutput
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
