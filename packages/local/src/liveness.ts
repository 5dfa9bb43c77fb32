import { existsSync, readFileSync } from 'node:fs'
import { pause } from './time.js'

const POLL_MS = 20

/** Whether a process runs. One that has ended but was not yet collected by its parent does not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false
    throw error
  }
  return !isZombie(pid)
}

/** Those of the processes that still run when all have ended or the limit is over. */
export async function survivors(pids: readonly number[], limitMs: number): Promise<readonly number[]> {
  const deadlineMs = performance.now() + limitMs
  for (;;) {
    const alive = pids.filter(isAlive)
    if (alive.length === 0 || performance.now() > deadlineMs) return alive
    await pause(POLL_MS)
  }
}

/** Only where the kernel tells it in /proc; elsewhere the init process collects in no time. */
function isZombie(pid: number): boolean {
  const file = `/proc/${pid}/stat`
  if (!existsSync(file)) return false
  try {
    // The name stands in parentheses and may hold anything; the state follows the last one.
    const stat = readFileSync(file, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3) === 'Z'
  } catch {
    // It has ended between the two looks.
    return true
  }
}
