import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { isLong } from '../src/long.js'
import { seededRandom } from '../src/random.js'
import { until } from '../src/until.js'
import { type Compacted, compactingWal, hasWorked, keepCompacting } from './src/compacting.js'
import { temporaryDirectory } from './src/directory.js'
import { LoneWal } from './src/lone-wal.js'
import { cutPowerUnderLoad } from './src/power-cut.js'
import { roundsOf, SEED } from './src/rounds.js'
import { WalAccount } from './src/wal-account.js'
import { checkRecovery, findingsOnDisk } from './src/wal-findings.js'
import { WalLoad } from './src/wal-load.js'

const COMPACTED_LIMIT_MS = 60_000
/** Long bodies, so that segments fill and are rewritten while the load goes on. */
const load = { concurrency: 24, bodyBytesMax: 30_000 }

describe('compaction under load', () => {
  const killed = roundsOf({ short: 4, long: 300 })

  it(`killed ${killed} times (FAULT_SEED=${SEED}): nothing is lost, the chain verifies`, async () => {
    const directory = await temporaryDirectory()
    const random = seededRandom(SEED)
    const account = new WalAccount()
    const wal = await LoneWal.at(directory, compactingWal)
    onTestFinished(() => wal.kill())
    const total: Compacted = { bodiesDropped: 0, segmentsRewritten: 0, interrupted: 0 }
    let fromSequence = 0
    for (let round = 1; round <= killed; round++) {
      await wal.start()
      const recovery = await checkRecovery(wal.address, account, { fromSequence, ...load })
      expect(recovery.findings, `before round ${round}`).toEqual([])
      fromSequence = recovery.nextSequence
      const over = new AbortController()
      const compacting = keepCompacting(wal, over.signal, total)
      const callers = new WalLoad(wal.address, account, load)
      await callers.more(60)
      await sleep(random(600))
      // In the last round at the latest one has come to its end.
      if (round === killed) await until('something was compacted', COMPACTED_LIMIT_MS, () => hasWorked(total))
      await wal.kill()
      over.abort()
      await Promise.all([callers.stop(), compacting])
      expect(callers.oddities).toEqual([])
    }
    expect(await findingsOnDisk(directory, account, { compacted: true, ...load })).toEqual([])
    expect(hasWorked(total)).toBe(true)
    if (isLong) expect(total.interrupted).toBeGreaterThan(killed / 10)
  })

  const cut = roundsOf({ short: 3, long: 100 })

  it(`cut off from power ${cut} times (FAULT_SEED=${SEED}): nothing is lost, the chain verifies`, async (context) => {
    const total: Compacted = { bodiesDropped: 0, segmentsRewritten: 0, interrupted: 0 }
    const { findings } = await cutPowerUnderLoad(context, {
      rounds: cut,
      seed: SEED,
      kind: 'xfs',
      env: compactingWal,
      load,
      compacted: true,
      meanwhile: (wal, over) => keepCompacting(wal, over, total),
      achieved: () => hasWorked(total),
    })
    expect(findings).toEqual([])
    expect(hasWorked(total)).toBe(true)
  })
})
