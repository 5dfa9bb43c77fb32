import { setTimeout as sleep } from 'node:timers/promises'
import { type Environment, testSite } from '@fractal-lba/local'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Load } from '../src/load.js'
import { System } from '../src/system.js'
import { temporaryDirectory } from './src/directory.js'
import { LoneWal, smallWal } from './src/lone-wal.js'
import { cutPowerUnderLoad } from './src/power-cut.js'
import { preloading } from './src/preloading.js'
import { Account, otherParameters, systemFindings } from './src/system-findings.js'
import { WalAccount } from './src/wal-account.js'
import { checkRecovery, findingsOnDisk } from './src/wal-findings.js'
import { WalLoad } from './src/wal-load.js'

// Variants of the product that break one promise each. The checks of the other files must find every one of them:
// a check that cannot fail proves nothing.

/** One life of a log under load and under a fault, ended with kill -9 at the latest, and what the check finds then. */
async function findingsAfter(fault: Environment): Promise<{ findings: string[]; death: string | undefined }> {
  const wal = await LoneWal.at(await temporaryDirectory(), { WAL_SEGMENT_BYTES: '16Mi' })
  onTestFinished(() => wal.kill())
  const account = new WalAccount()
  await wal.start(fault)
  const load = new WalLoad(wal.address, account)
  await Promise.race([load.more(500).catch(() => undefined), wal.untilGone(), sleep(60_000)])
  const { death } = wal
  await wal.kill()
  await load.stop()
  await wal.start()
  const { findings } = await checkRecovery(wal.address, account)
  await wal.stop()
  return { findings: [...findings, ...(await findingsOnDisk(wal.directory, account))], death }
}

const aFlushFails = { FAULT_FLUSH: '20' }

describe('under a flush that fails and takes its data with it', () => {
  it('the wal ends, and nothing acknowledged is lost', async () => {
    const { findings, death } = await findingsAfter({ ...aFlushFails, ...preloading('forgetful-kernel') })
    expect(findings).toEqual([])
    expect(death).toMatch(/^ended with code [1-9]/)
  })

  it('a variant that flushes again is found out', async () => {
    const fault = { ...aFlushFails, ...preloading('forgetful-kernel', 'retry-flush') }
    const { findings, death } = await findingsAfter(fault)
    expect(findings.join('\n')).toContain('was acknowledged and is lost')
    expect(death).toBeUndefined()
  })
})

describe('under writes that take less than they are given', () => {
  it('nothing acknowledged is lost', async () => {
    expect(await findingsAfter(preloading('short-writes'))).toEqual({ findings: [], death: undefined })
  })

  it('a variant that does not look how much was written is found out', async () => {
    const { findings } = await findingsAfter(preloading('short-writes', 'unchecked-write'))
    expect(findings.join('\n')).toContain('was acknowledged and is lost')
  })
})

describe('under a power cut', () => {
  it('a variant that acknowledges before the flush is found out', async (context) => {
    const env = preloading('acknowledge-before-flush')
    const { findings } = await cutPowerUnderLoad(context, { rounds: 5, seed: 1, kind: 'xfs', env })
    expect(findings.join('\n')).toContain('was acknowledged and is lost')
  })
})

describe('under kill -9', () => {
  it('a wal that acknowledges marks before it writes them is found out by its callers', async () => {
    const { findings } = await findingsAfter(preloading('mark-not-awaited'))
    expect(findings.join('\n')).toMatch(/the mark of \d+ was acknowledged and is lost/)
  })

  it('and by the agents, whose outcomes change', async () => {
    const site = await testSite('fault-mark')
    onTestFinished(() => site.dispose())
    const account = new Account()
    const start = (round: number, broken: Environment): Promise<System> =>
      System.start(site, `fault-mark-${round}`, {
        env: otherParameters[round] ?? {},
        envOf: { wal: { ...smallWal, ...broken } },
      })
    const broken = await start(0, preloading('mark-not-awaited'))
    const next = account.sending(() => broken.records.next())
    const load = new Load(broken.client, broken.records, { concurrency: 32, next })
    await load.more(100)
    await broken.constellation.crash()
    await load.giveUp()
    broken.close()
    account.add(load)
    const system = await start(1, {})
    const findings = await systemFindings(system, account)
    system.close()
    expect(findings.join('\n')).toMatch(/told 200, but marked 202/)
  })
})
