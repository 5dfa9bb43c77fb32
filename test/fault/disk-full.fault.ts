import { statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readyStatus, testSite } from '@fractal-lba/local'
import { describe, expect, it, onTestFinished } from 'vitest'
import { answered, inParallel, Load } from '../src/load.js'
import { problemOf } from '../src/problem.js'
import { textOf } from '../src/records.js'
import { opsUrlOf, System } from '../src/system.js'
import { until } from '../src/until.js'
import { temporaryDirectory } from './src/directory.js'
import { memoryDisk } from './src/disks.js'
import { LoneWal, smallWal } from './src/lone-wal.js'
import { demandTools, run, tools } from './src/programs.js'
import { roundsOf } from './src/rounds.js'
import { segmentPaths, writtenEnd } from './src/segment-files.js'
import { Account, systemFindings } from './src/system-findings.js'
import { WalAccount } from './src/wal-account.js'
import { checkRecovery, findingsOnDisk } from './src/wal-findings.js'
import { WalLoad } from './src/wal-load.js'

const SMALL_BYTES = 2 ** 21
const LARGE_BYTES = 256 * 2 ** 20
const SEGMENT_BYTES = 2 ** 20
const LIMIT_MS = 60_000
/** Long records fill a disk fast. */
const PADDING = 'x'.repeat(8_000)
const ROUNDS = roundsOf({ short: 1, long: 10 })

/** A constellation whose log lies on a disk of its own. */
async function systemOn(directory: string, label: string): Promise<{ system: System; account: Account }> {
  const site = await testSite(label)
  onTestFinished(() => site.dispose())
  const env = { ...smallWal, WAL_DIR: join(directory, 'wal') }
  const system = await System.start(site, label, { envOf: { wal: env } })
  onTestFinished(() => system.close())
  return { system, account: new Account() }
}

function loadOn(system: System, account: Account): Load {
  // A field that nobody knows is kept in the log and judged by nobody.
  const next = account.sending(() => ({ ...system.records.next(), padding: PADDING }))
  return new Load(system.client, system.records, { concurrency: 32, next })
}

/** Resolves when the log takes nothing more, and has not for a while. */
async function untilRefusing({ client, wal }: System, load: Load): Promise<void> {
  await until('the log takes nothing more', LIMIT_MS, async () => !(await wal.state()).takesAppends)
  await until('/ready says so', LIMIT_MS, async () => (await client.get('/ready')).status === 503)
  const { unavailable } = load.met
  await until('agents are refused', LIMIT_MS, () => load.met.unavailable > unavailable + 50)
}

describe('under load', () => {
  it('a full disk brings 503 with Retry-After and nothing else, until there is room', async (context) => {
    const { path } = await memoryDisk(context, LARGE_BYTES)
    const { system, account } = await systemOn(path, 'fault-full')
    const load = loadOn(system, account)
    for (let round = 1; round <= ROUNDS; round++) {
      await load.more(50, LIMIT_MS)
      await resize(path, (await usedBytes(path)) + SMALL_BYTES)
      await untilRefusing(system, load)
      await resize(path, LARGE_BYTES)
      await load.more(200, LIMIT_MS)
    }
    await load.finish()
    expect(system.constellation.restarts('wal')).toBe(0)
    await expectNothingLost(system, load, account)
  })

  it('a write that a limit cuts short ends the wal; agents see only 503, and it comes back', async (context) => {
    const [prlimit = ''] = await demandTools(context, tools.prlimit)
    const directory = await temporaryDirectory()
    const { system, account } = await systemOn(directory, 'fault-limit')
    const { constellation } = system
    const load = loadOn(system, account)
    for (let round = 1; round <= ROUNDS || constellation.restarts('wal') === 0; round++) {
      expect(round).toBeLessThan(ROUNDS + 10)
      await load.more(50, LIMIT_MS)
      const before = constellation.restarts('wal')
      const { wal: pid } = constellation.pids()
      // Met in the midst of a group, soon after what is written by now; or by the next segment, which it is too
      // short for: that is a refusal, and no reason to end.
      const written = await writtenEnd((await segmentPaths(join(directory, 'wal'))).at(-1) ?? '')
      const limit = Math.min(written + 20_001, SEGMENT_BYTES - 1)
      await run(prlimit, `--pid=${pid}`, `--fsize=${limit}:`)
      await until('the limit is met', LIMIT_MS, async () => {
        if (constellation.restarts('wal') > before) return true
        return (await system.wal.state().catch(() => undefined))?.takesAppends === false
      })
      if (constellation.restarts('wal') === before) await run(prlimit, `--pid=${pid}`, '--fsize=unlimited:')
      await load.more(100, LIMIT_MS)
    }
    await load.finish()
    expect(constellation.logs('wal').join('\n')).toContain('EFBIG')
    await expectNothingLost(system, load, account)
  })
})

async function expectNothingLost(system: System, load: Load, account: Account): Promise<void> {
  expect(load.unanswered).toEqual([])
  account.add(load)
  await system.constellation.kill('wal')
  await system.constellation.kill('dedup')
  await system.constellation.untilReady()
  expect(await systemFindings(system, account)).toEqual([])
}

function resize(path: string, sizeBytes: number): Promise<string> {
  return run('mount', '-o', `remount,size=${sizeBytes}`, path)
}

async function usedBytes(path: string): Promise<number> {
  const { blocks, bfree, bsize } = await statfs(path)
  return (blocks - bfree) * bsize
}

describe('a start on a full disk', () => {
  it('serves what is known and what is open, and goes on by itself when there is room', async (context) => {
    const { path } = await memoryDisk(context, SMALL_BYTES)
    const { system, account } = await systemOn(path, 'fault-full-start')
    const load = loadOn(system, account)
    await untilRefusing(system, load)
    await load.giveUp()
    account.add(load)
    const { client, constellation, records, site } = system
    for (const name of ['wal', 'dedup'] as const) await constellation.kill(name)
    for (const name of ['wal', 'dedup'] as const) await constellation.untilStarted(name)
    const filled = async (): Promise<boolean> => (await readyStatus(opsUrlOf(site, 'dedup'))) === 'ready'
    await until('the index is filled from the marks', LIMIT_MS, filled)
    expect((await system.wal.state()).takesAppends).toBe(false)
    await inParallel(account.acknowledged, async ({ record, status, body }) => {
      const shown = await answered(() => client.outcome(record.pcs_id))
      expect([shown.status, shown.body.toString()]).toEqual([status, body.toString()])
    })
    problemOf(await client.submit(textOf(records.next())), 503)
    await resize(path, LARGE_BYTES)
    await constellation.untilReady()
    const later = loadOn(system, account)
    await later.more(100, LIMIT_MS)
    await later.finish()
    account.add(later)
    expect(await systemFindings(system, account)).toEqual([])
  })

  it('with nothing on it yet makes the log when there is room', async (context) => {
    const { path } = await memoryDisk(context, SMALL_BYTES)
    const ballast = join(path, 'ballast')
    await writeFile(ballast, Buffer.alloc(SMALL_BYTES - 2 ** 19))
    const wal = await LoneWal.at(join(path, 'wal'))
    await wal.start()
    expect((await fetch(`${wal.opsUrl}/ready`)).status).toBe(503)
    const account = new WalAccount()
    const load = new WalLoad(wal.address, account)
    await until('callers are refused', LIMIT_MS, () => load.met.refused > 50)
    expect(account.appended.size).toBe(0)
    await resize(path, LARGE_BYTES)
    await load.more(500)
    await wal.kill()
    await load.stop()
    expect(load.oddities).toEqual([])
    await wal.start()
    expect((await checkRecovery(wal.address, account)).findings).toEqual([])
    await wal.stop()
    expect(await findingsOnDisk(wal.directory, account)).toEqual([])
  })
})
