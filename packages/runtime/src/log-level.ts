export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const
export type LogLevel = (typeof logLevels)[number]

/**
 * What a level is switched to while a process runs: from that of the start to debug, and back.
 * @param start as it was configured; where that is debug already or below, the other one is info
 */
export function otherLevel(present: string, start: LogLevel): LogLevel {
  if (present !== start) return start
  return start === 'debug' || start === 'trace' ? 'info' : 'debug'
}
