import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { open, readdir, rm, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { debianProgram } from '@fractal-lba/test-servers'
import type { DrillSite } from './drill-site.js'
import { type Fault, needsRoot } from './fault.js'

/** Below WAL_DISK_LOW. */
const LEFT_BYTES = 8 * 2 ** 20
const FLUSH_DELAY_US = 400_000
const SEGMENTS_LIMIT_MS = 120_000
const STRACE = { name: 'strace', debianPackage: 'strace' }

const ballastOf = ({ walDirectory }: DrillSite): string => join(walDirectory, '../ballast')

const fullDisk: Fault = {
  what: 'the disk of the log is full',
  alerts: ['FLKWALDiskPressure warning', 'FLKHealthCheckFailing critical'],
  obstacle: async ({ hasOwnDisk }) => (hasOwnDisk ? undefined : 'no file system can be mounted here'),
  begin: async (site) => {
    const { bavail, bsize } = await statfs(site.walDirectory)
    await writeFile(ballastOf(site), Buffer.alloc(Math.max(0, bavail * bsize - LEFT_BYTES)))
  },
  end: (site) => rm(ballastOf(site), { force: true }),
}

function slowDisk(): Fault {
  let strace: ChildProcess | undefined
  return {
    what: `each flush of the log takes ${FLUSH_DELAY_US / 1_000} ms longer`,
    alerts: ['FLKHighLatency warning'],
    obstacle: async () => {
      const found = await debianProgram(STRACE)
      return (await needsRoot()) ?? ('missing' in found ? found.missing : undefined)
    },
    begin: async ({ constellation }) => {
      const args = ['-f', '-qq', '-o', '/dev/null', '-p', String(constellation.pids().wal)]
      const inject = ['-e', 'trace=fdatasync', '-e', `inject=fdatasync:delay_enter=${FLUSH_DELAY_US}`]
      strace = spawn('strace', [...args, ...inject], { stdio: 'ignore' })
      await once(strace, 'spawn')
    },
    end: async () => {
      const ended = strace && once(strace, 'exit')
      strace?.kill('SIGTERM')
      await ended
    },
  }
}

const quarantine: Fault = {
  what: 'a byte of the oldest segment is changed',
  alerts: ['FLKWALQuarantined page'],
  begin: async ({ walDirectory, traffic, constellation }) => {
    traffic.set({ rate: 200 })
    await untilSealed(walDirectory)
    traffic.set({})
    const [oldest = ''] = await segmentsIn(walDirectory)
    const file = await open(join(walDirectory, oldest), 'r+')
    const { size } = await file.stat()
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size >> 1)
    await file.write(Buffer.of((buffer[0] ?? 0) ^ 4), 0, 1, size >> 1)
    await file.close()
    await constellation.kill('wal')
  },
  end: async ({ walDirectory, constellation }) => {
    const names = await readdir(walDirectory)
    const quarantined = names.filter((name) => name.endsWith('.quarantined'))
    for (const name of quarantined) await rm(join(walDirectory, name))
    await constellation.kill('wal')
  },
}

async function segmentsIn(directory: string): Promise<readonly string[]> {
  return (await readdir(directory)).filter((name) => name.endsWith('.seg')).sort()
}

/** More than the one that is written and the one that waits. @throws Error after a limit */
async function untilSealed(directory: string): Promise<void> {
  for (const endMs = performance.now() + SEGMENTS_LIMIT_MS; performance.now() < endMs; ) {
    if ((await segmentsIn(directory)).length >= 3) return
    await sleep(200)
  }
  throw new Error(`no segment was sealed in ${SEGMENTS_LIMIT_MS / 1_000} s`)
}

const deadLetter: Fault = {
  what: 'the verifier fails over one record',
  alerts: ['FLKDeadLetters warning'],
  begin: async ({ traffic, brokenRecords }) => {
    const body = traffic.next()
    brokenRecords.text = /"pcs_id":"(\w+)"/.exec(body)?.[1]
    await traffic.send(body)
  },
  end: async ({ brokenRecords, pcs }) => {
    brokenRecords.text = undefined
    await pcs('wal', 'replay', '--drive-all', '--wait')
  },
}

const noCompaction: Fault = {
  what: 'nobody compacts the log any more',
  alerts: ['FLKWALCompactionStale warning'],
  isBeside: true,
  begin: async ({ compaction }) => {
    compaction.isScheduled = false
  },
  end: async ({ compaction }) => {
    compaction.isScheduled = true
  },
}

export const logFaults: readonly Fault[] = [noCompaction, slowDisk(), fullDisk, deadLetter, quarantine]
