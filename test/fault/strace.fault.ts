import { describe, expect, it } from 'vitest'
import { temporaryDirectory } from './src/directory.js'
import { LoneWal } from './src/lone-wal.js'
import { roundsOf } from './src/rounds.js'
import { ONE_FILE_THREAD, Strace } from './src/strace.js'
import { WalAccount } from './src/wal-account.js'
import { checkRecovery, findingsOnDisk } from './src/wal-findings.js'
import { WalLoad } from './src/wal-load.js'

const FAULT_LIMIT_MS = 20_000

/** A log with one fault in each of its lives. */
class FaultyLives {
  readonly account = new WalAccount()
  #fromSequence = 0

  private constructor(readonly wal: LoneWal) {}

  /**
   * Segments are long enough here that all flushes under load are those of appends: the lives of the long form write
   * some 30 MB, and half a segment brings flushes of the next one.
   */
  static async begin(): Promise<FaultyLives> {
    const env = { ...ONE_FILE_THREAD, WAL_SEGMENT_BYTES: '128Mi' }
    return new FaultyLives(await LoneWal.at(await temporaryDirectory(), env))
  }

  /** Starts the next life and checks that the one before has left behind what it must. */
  async recover(): Promise<void> {
    await this.wal.start()
    const fromSequence = this.#fromSequence
    const { findings, nextSequence } = await checkRecovery(this.wal.address, this.account, { fromSequence })
    expect(findings).toEqual([])
    this.#fromSequence = nextSequence
  }

  load(): WalLoad {
    return new WalLoad(this.wal.address, this.account, { concurrency: 16 })
  }

  /** Ends the last life and checks the files. */
  async end(): Promise<void> {
    await this.recover()
    await this.wal.stop()
    expect(await findingsOnDisk(this.wal.directory, this.account)).toEqual([])
    expect(this.account.appended.size).toBeGreaterThan(0)
  }
}

/** The flush that is hit, in each life another: the first, the third, the fifth and so on. */
const flushNumbers = Array.from({ length: roundsOf({ short: 3, long: 50 }) }, (_, index) => 2 * index + 1)

describe('kill -9', () => {
  it('between write and flush: nothing acknowledged is lost', async (context) => {
    const lives = await FaultyLives.begin()
    for (const flush of flushNumbers) {
      await lives.recover()
      const injection = `fdatasync:signal=KILL:when=${flush}`
      const strace = await Strace.attach(context, lives.wal.pid, ['fdatasync', 'pwrite64'], [injection])
      const load = lives.load()
      await lives.wal.untilGone()
      await load.stop()
      await strace.detach()
      // The last that was done is a write, and the flush after it never came back.
      const begun = strace.lines.findLastIndex((line) => line.includes('fdatasync('))
      expect(strace.lines.slice(0, begun).findLast((line) => /= \d+$/.test(line))).toContain('pwrite64')
      expect(strace.lines.slice(begun).filter((line) => line.includes('= 0'))).toEqual([])
      expect(load.oddities).toEqual([])
    }
    await lives.end()
  })

  it('between flush and answer: nothing acknowledged is lost', async (context) => {
    const lives = await FaultyLives.begin()
    for (const flush of flushNumbers) {
      await lives.recover()
      // Flushed, but the process does not know yet: it is held in the kernel's way out.
      const injection = `fdatasync:delay_exit=10000000:when=${flush}`
      const strace = await Strace.attach(context, lives.wal.pid, ['fdatasync'], [injection])
      const load = lives.load()
      await strace.untilSeen('(DELAYED)', FAULT_LIMIT_MS)
      const gone = lives.wal.kill()
      await strace.abandon()
      await gone
      await load.stop()
      expect(load.oddities).toEqual([])
    }
    await lives.end()
  })
})

describe.each(['EIO', 'ENOSPC'])('a flush that fails with %s', (error) => {
  it('ends the process with a sentence; nothing is written after it; a restart recovers', async (context) => {
    const lives = await FaultyLives.begin()
    for (const flush of flushNumbers) {
      await lives.recover()
      const injection = `fdatasync:error=${error}:when=${flush}`
      const calls = ['fdatasync', 'pwrite64', 'write', 'writev', 'sendmsg']
      const strace = await Strace.attach(context, lives.wal.pid, calls, [injection])
      const load = lives.load()
      await lives.wal.untilGone()
      await load.stop()
      await strace.detach()
      expect(lives.wal.death).toMatch(/^ended with code [1-9]/)
      expect(lives.wal.said.join('\n')).toContain(error)
      const failed = strace.lines.findIndex((line) => line.includes('(INJECTED)'))
      expect(failed).toBeGreaterThanOrEqual(0)
      const after = strace.lines.slice(failed + 1)
      expect(after.filter((line) => /fdatasync|pwrite64/.test(line))).toEqual([])
      expect(load.oddities).toEqual([])
    }
    await lives.end()
  })
})
