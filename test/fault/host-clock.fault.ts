import { testSite } from '@fractal-lba/local'
import { expect, it, onTestFinished } from 'vitest'
import { json } from '../src/client.js'
import { Load } from '../src/load.js'
import { runPcs } from '../src/run-pcs.js'
import { addressOf, System } from '../src/system.js'
import { demandTools, run, tools } from './src/programs.js'
import { Account, systemFindings } from './src/system-findings.js'

const RECORDS = 60

/** What makes a process's wall clock, and only that, another one. */
async function clockAhead(by: string): Promise<Readonly<Record<string, string>>> {
  const library = await run('faketime', '-f', '+0', 'printenv', 'LD_PRELOAD')
  return { LD_PRELOAD: library.trim(), FAKETIME: by, FAKETIME_DONT_FAKE_MONOTONIC: '1' }
}

it('a clock that a whole host has wrong for a while takes nothing back, and is ended by a command', async (context) => {
  await demandTools(context, tools.faketime)
  const site = await testSite('fault-host-clock')
  onTestFinished(() => site.dispose())
  const account = new Account()
  const env = { DEDUP_TTL: '20m', WAL_COMPACT_EVERY: '1s', DEDUP_SNAPSHOT_INTERVAL: '1s' }

  /** One life of all five processes: what was acknowledged before holds, and more is. */
  async function live(lives: number, clock: Readonly<Record<string, string>>): Promise<System> {
    const system = await System.start(site, `host-clock-${lives}`, { env: { ...env, ...clock } })
    const next = account.sending(() => system.records.next())
    const load = new Load(system.client, system.records, { concurrency: 4, next })
    await load.more(RECORDS)
    await load.finish()
    account.add(load)
    expect(await systemFindings(system, account)).toEqual([])
    return system
  }
  async function end(system: System): Promise<void> {
    system.close()
    await system.constellation.stop()
  }

  await end(await live(1, {}))
  for (const [lives, by] of [
    [2, '+15d'],
    [3, '-15d'],
    [4, '+27000d'],
  ] as const) {
    const system = await live(lives, await clockAhead(by))
    await end(system)
  }
  const system = await live(5, {})
  const ready = async (): Promise<unknown> => json(await system.client.get('/ready'))
  expect(await ready()).toMatchObject({ status: 'ready' })
  const addresses = ['--wal', addressOf(site, 'wal'), '--dedup', addressOf(site, 'dedup')]
  expect(await runPcs(['clock', 'confirm', ...addresses])).toMatchObject({ code: 0 })
  expect(await systemFindings(system, account)).toEqual([])
  await end(system)
  await end(await live(6, {}))
})
