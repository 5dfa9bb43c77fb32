import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { testSite } from '@fractal-lba/local'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Load } from '../src/load.js'
import { System } from '../src/system.js'
import { PowerCutDisk } from './src/disks.js'
import { smallWal } from './src/lone-wal.js'
import { cutPowerUnderLoad } from './src/power-cut.js'
import { demandTools, run, tools } from './src/programs.js'
import { roundsOf, SEED } from './src/rounds.js'
import { Account, otherParameters, systemFindings } from './src/system-findings.js'

const kinds = ['xfs', 'ext4'] as const

describe.each(kinds)('a power cut under load, on %s', (kind) => {
  const rounds = roundsOf({ short: 2, long: 100 })

  it(`${rounds} times (FAULT_SEED=${SEED}): nothing that the log acknowledged is lost`, async (context) => {
    const { findings, account } = await cutPowerUnderLoad(context, { rounds, seed: SEED, kind })
    expect(findings).toEqual([])
    expect(account.appended.size).toBeGreaterThan(10 * rounds)
  })
})

describe('the control: without flushes', () => {
  it('a power cut loses what the log acknowledged, and the check says so', async (context) => {
    const [eatmydata = ''] = await demandTools(context, tools.eatmydata)
    // The program only sets this variable for the one that it starts; what it sets is found out by asking it.
    const preload = await run(eatmydata, 'sh', '-c', 'printf %s "$LD_PRELOAD"')
    expect(preload).toContain('libeatmydata')
    const options = { rounds: 5, seed: SEED, kind: 'xfs', env: { LD_PRELOAD: preload } } as const
    const { findings } = await cutPowerUnderLoad(context, options)
    expect(findings.join('\n')).toMatch(/was acknowledged and is lost/)
  })
})

describe('a power cut of the log of a whole constellation', () => {
  const rounds = roundsOf({ short: 1, long: 20 })

  it(`${rounds} times: each outcome that was told is the same afterwards`, async (context) => {
    const disk = await PowerCutDisk.make(context, 'xfs')
    const site = await testSite('fault-power')
    onTestFinished(() => site.dispose())
    const account = new Account()
    const start = (round: number): Promise<System> =>
      System.start(site, `fault-power-${round}`, {
        env: otherParameters[round % 2] ?? {},
        envOf: { wal: { ...smallWal, WAL_DIR: join(disk.path, 'wal') } },
      })
    for (let round = 0; round < rounds; round++) {
      const system = await start(round)
      expect(await systemFindings(system, account), `before round ${round}`).toEqual([])
      const next = account.sending(() => system.records.next())
      const load = new Load(system.client, system.records, { concurrency: 32, next })
      await load.more(50)
      await sleep(Math.random() * 500)
      await disk.cutPower()
      await system.constellation.crash()
      await load.giveUp()
      system.close()
      account.add(load)
      await disk.comeBack()
    }
    const system = await start(rounds)
    expect(await systemFindings(system, account)).toEqual([])
    system.close()
    await system.constellation.crash()
  })
})
