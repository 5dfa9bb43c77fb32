import { readdir, readFile } from 'node:fs/promises'
import { onTestFinished } from 'vitest'
import { until } from './until.js'

/** Resident memory of a process, bytes. Linux. */
export async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]
  if (kilobytes === undefined) throw new Error(`process ${pid} has no resident memory`)
  return Number(kilobytes) * 1024
}

/** Whether a process with this id is there and has not ended. */
export async function isAlive(pid: number): Promise<boolean> {
  try {
    const status = await readFile(`/proc/${pid}/status`, 'utf8')
    return !/^State:\s+Z/m.test(status)
  } catch {
    // No such directory: no such process.
    return false
  }
}

/** The living processes in whose environment there is this text. Linux. */
export async function processesWith(text: string): Promise<number[]> {
  const pids = (await readdir('/proc')).map(Number).filter(Number.isInteger)
  const marked = await Promise.all(
    pids.map(async (pid) => {
      // One that has ended meanwhile, or is somebody else's, is none of them.
      const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '')
      return environment.includes(text) && (await isAlive(pid))
    }),
  )
  return pids.filter((_, index) => marked[index])
}

/** How many TCP connections to this port there are, or were within the last minute. Linux, IPv4. */
export async function recentConnections(port: number): Promise<number> {
  const table = await readFile('/proc/net/tcp', 'utf8')
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const remotes = table.split('\n').map((line) => line.trim().split(/\s+/)[2] ?? '')
  return remotes.filter((remote) => remote.endsWith(wanted)).length
}

/** @throws Error when one of them still lives after the limit; they are ended with the test in any case. */
export async function untilGone(pids: readonly number[], limitMs: number): Promise<void> {
  onTestFinished(async () => {
    for (const pid of pids) if (await isAlive(pid)) process.kill(pid, 'SIGKILL')
  })
  await until(`none of the processes ${pids.join(', ')} lives`, limitMs, async () => {
    const living = await Promise.all(pids.map(isAlive))
    return !living.includes(true)
  })
}
