import { readFileSync } from 'node:fs'

/** Linux tells CPU times in hundredths of a second, on every architecture. */
export const TICK_MS = 10
/** utime and stime are the 14th and 15th field; the third is the first after the name. */
const UTIME = 14 - 3

/** CPU time that these processes have used so far, in user and system mode. @throws Error where one has ended. */
export function cpuMsOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + cpuMsFromStat(readFileSync(`/proc/${pid}/stat`, 'utf8')), 0)
}

/** From the text of /proc/PID/stat. */
export function cpuMsFromStat(stat: string): number {
  // The name stands in parentheses and may hold anything, also parentheses and spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[UTIME]) + Number(fields[UTIME + 1])) * TICK_MS
}
