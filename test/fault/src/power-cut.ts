import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Environment } from '@fractal-lba/local'
import { onTestFinished, type TestContext } from 'vitest'
import { seededRandom } from '../../src/random.js'
import { until } from '../../src/until.js'
import { PowerCutDisk } from './disks.js'
import { LoneWal } from './lone-wal.js'
import { WalAccount } from './wal-account.js'
import { checkRecovery, findingsOnDisk } from './wal-findings.js'
import { WalLoad, type WalLoadOptions } from './wal-load.js'

const ACHIEVED_LIMIT_MS = 60_000

export interface PowerCutOptions {
  readonly rounds: number
  readonly seed: number
  readonly kind: 'xfs' | 'ext4'
  /** Of the wal's process while it is under load, over the usual one. */
  readonly env?: Environment
  readonly load?: WalLoadOptions
  /** What else goes on while the log is under load; told when the power is gone. */
  readonly meanwhile?: (wal: LoneWal, over: AbortSignal) => Promise<void>
  /** What must have come about, at the latest before the last cut. */
  readonly achieved?: () => boolean
  /** Whether bodies may be gone. */
  readonly compacted?: boolean
}

export interface PowerCuts {
  /** What was lost, doubled or made up; empty when nothing was. */
  readonly findings: readonly string[]
  readonly account: WalAccount
}

/**
 * Puts a log under load on a disk whose power is cut, again and again, until something is found.
 * @returns what was found.
 */
export async function cutPowerUnderLoad(context: TestContext, options: PowerCutOptions): Promise<PowerCuts> {
  const { rounds, seed, kind, env, load: loadOptions, meanwhile, achieved, compacted = false } = options
  const disk = await PowerCutDisk.make(context, kind)
  const wal = await LoneWal.at(join(disk.path, 'wal'))
  onTestFinished(() => wal.kill())
  const account = new WalAccount()
  const random = seededRandom(seed)
  const limits = loadOptions?.bodyBytesMax === undefined ? {} : { bodyBytesMax: loadOptions.bodyBytesMax }
  let fromSequence = 0
  for (let round = 1; round <= rounds; round++) {
    await wal.start(env)
    const load = new WalLoad(wal.address, account, { concurrency: 1 + random(64), ...loadOptions })
    const over = new AbortController()
    const other = meanwhile?.(wal, over.signal)
    await load.more(40)
    await sleep(random(500))
    if (round === rounds && achieved) await until('the other work is done', ACHIEVED_LIMIT_MS, achieved)
    await disk.cutPower()
    await Promise.race([wal.untilGone(), sleep(random(300))])
    await wal.kill()
    over.abort()
    await Promise.all([load.stop(), other])
    await disk.comeBack()
    await wal.start()
    const recovery = await checkRecovery(wal.address, account, { fromSequence, ...limits })
    const findings = [...load.oddities, ...recovery.findings]
    if (findings.length > 0) return { findings: [`round ${round}:`, ...findings], account }
    fromSequence = recovery.nextSequence
    await wal.stop()
  }
  return { findings: await findingsOnDisk(wal.directory, account, { compacted, ...limits }), account }
}
