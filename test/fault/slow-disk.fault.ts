import { testSite } from '@fractal-lba/local'
import { describe, expect, it, onTestFinished, type TestContext } from 'vitest'
import { Load } from '../src/load.js'
import { isLong } from '../src/long.js'
import { residentBytes } from '../src/processes.js'
import { textOf } from '../src/records.js'
import { System } from '../src/system.js'
import { ONE_FILE_THREAD, Strace } from './src/strace.js'
import { Account, systemFindings } from './src/system-findings.js'

/** The whole submission's deadline, and slack for two busy cores. */
const ANSWER_LIMIT_MS = 2_000 + 4_000
const GROWTH_MAX_BYTES = 150 * 2 ** 20
const RECORDS = isLong ? 5_000 : 100
const VERY_SLOW_MS = isLong ? 60_000 : 4_000
/** Agents outwait the slow time: each of their records is to be answered in the end. */
const PATIENCE_MS = VERY_SLOW_MS + 60_000

interface SlowSystem {
  readonly system: System
  readonly account: Account
  readonly load: Load
  readonly strace: Strace
}

/** A constellation under load, each flush of whose log takes that much longer. */
async function slowSystem(context: TestContext, delayMs: number): Promise<SlowSystem> {
  const site = await testSite('fault-slow')
  onTestFinished(() => site.dispose())
  const system = await System.start(site, `fault-slow-${delayMs}`, { envOf: { wal: ONE_FILE_THREAD } })
  onTestFinished(() => system.close())
  const injection = `fdatasync:delay_enter=${delayMs * 1000}`
  const pid = system.constellation.pids().wal ?? 0
  const strace = await Strace.attach(context, pid, ['fdatasync'], [injection])
  const account = new Account()
  const next = account.sending(() => system.records.next())
  const load = new Load(system.client, system.records, { concurrency: 64, next, patienceMs: PATIENCE_MS })
  return { system, account, load, strace }
}

/** Bytes of memory that gateway and services hold together. */
async function memoryBytes({ constellation }: System): Promise<number> {
  const sizes = await Promise.all(Object.values(constellation.pids()).map(residentBytes))
  return sizes.reduce((sum, size) => sum + size, 0)
}

describe('a disk whose flushes take', () => {
  it('300 ms each: nothing is lost, all is answered', async (context) => {
    const { system, account, load, strace } = await slowSystem(context, 300)
    await load.more(RECORDS, isLong ? 600_000 : 60_000)
    await load.finish()
    await strace.detach()
    expect(load.oddities).toEqual([])
    expect(load.unanswered).toEqual([])
    account.add(load)
    expect(await systemFindings(system, account)).toEqual([])
  })

  it('3 s each: 503 within the limit, nothing piles up, and all is well afterwards', async (context) => {
    const { system, account, load, strace } = await slowSystem(context, 3_000)
    const { client, records } = system
    const beforeBytes = await memoryBytes(system)
    const endMs = performance.now() + VERY_SLOW_MS
    let refused = 0
    while (performance.now() < endMs) {
      const beganMs = performance.now()
      const answer = await client.submit(textOf(account.sending(() => records.next())()))
      expect(performance.now() - beganMs).toBeLessThan(ANSWER_LIMIT_MS)
      if (answer.status !== 503) continue
      refused += 1
      expect(answer.headers['retry-after']).toMatch(/^\d+$/)
    }
    expect(refused).toBeGreaterThan(0)
    expect((await memoryBytes(system)) - beforeBytes).toBeLessThan(GROWTH_MAX_BYTES)
    await strace.detach()
    await load.more(RECORDS, isLong ? 120_000 : 30_000)
    await load.finish()
    expect(load.oddities).toEqual([])
    expect(load.unanswered).toEqual([])
    account.add(load)
    expect(await systemFindings(system, account)).toEqual([])
  })
})
