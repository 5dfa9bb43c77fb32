import { setTimeout as sleep } from 'node:timers/promises'
import { serviceNames, testSite } from '@fractal-lba/local'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Load } from '../src/load.js'
import { seededRandom } from '../src/random.js'
import { System } from '../src/system.js'
import { temporaryDirectory } from './src/directory.js'
import { LoneWal, smallWal } from './src/lone-wal.js'
import { roundsOf, SEED } from './src/rounds.js'
import { Account, otherParameters, systemFindings } from './src/system-findings.js'
import { WalAccount } from './src/wal-account.js'
import { checkRecovery, findingsOnDisk } from './src/wal-findings.js'
import { WalLoad } from './src/wal-load.js'

describe('kill -9 of the wal at random moments', () => {
  const rounds = roundsOf({ short: 17, long: 500 })

  it(`${rounds} times under load (FAULT_SEED=${SEED}): acknowledged ⊆ recovered ⊆ sent`, async () => {
    const directory = await temporaryDirectory()
    const random = seededRandom(SEED)
    const account = new WalAccount()
    const wal = await LoneWal.at(directory)
    let fromSequence = 0
    for (let round = 1; round <= rounds; round++) {
      if (random(3) === 0) {
        wal.begin()
        await sleep(random(400)) // while it starts: before, within or after its recovery
        await wal.kill()
      }
      await wal.start()
      const recovery = await checkRecovery(wal.address, account, { fromSequence })
      expect(recovery.findings, `before round ${round}`).toEqual([])
      fromSequence = recovery.nextSequence
      const load = new WalLoad(wal.address, account, { concurrency: 1 + random(64) })
      await sleep(random(500))
      await wal.kill()
      await load.stop()
      expect(load.oddities).toEqual([])
    }
    expect(await findingsOnDisk(directory, account)).toEqual([])
    expect(account.marked.size).toBeGreaterThan(rounds)
  })
})

describe('kill -9 of gateway and services at random moments', () => {
  const rounds = roundsOf({ short: 3, long: 60 })

  it(`${rounds} times under load (FAULT_SEED=${SEED}): nothing acknowledged is lost or changed`, async () => {
    const site = await testSite('fault-kill')
    onTestFinished(() => site.dispose())
    const random = seededRandom(SEED)
    const account = new Account()
    let recent = 0
    for (let round = 0; round <= rounds; round++) {
      // Records from before the last kill are asked for in full, older ones at the end once more.
      const acknowledged = round === rounds ? account.acknowledged : account.acknowledged.slice(recent)
      const system = await System.start(site, `fault-kill-${round}`, {
        env: { ...otherParameters[round % 2], DEDUP_SNAPSHOT_INTERVAL: '1s' },
        envOf: { wal: smallWal },
      })
      expect(await systemFindings(system, account, acknowledged), `before round ${round}`).toEqual([])
      recent = account.acknowledged.length
      const next = account.sending(() => system.records.next({ budget: random(2) === 0 ? 0.396 : 0.404 }))
      const load = new Load(system.client, system.records, { concurrency: 32, next })
      await load.more(11)
      await sleep(random(300))
      for (let single = random(3); single > 0; single--) {
        const name = serviceNames[random(serviceNames.length)]
        if (name) await system.constellation.kill(name) // started again by its supervisor
        await sleep(random(500))
      }
      await sleep(random(300))
      await system.constellation.crash()
      await load.giveUp()
      system.close()
      account.add(load)
    }
    expect(account.acknowledged.length).toBeGreaterThan(10 * rounds)
  })
})
