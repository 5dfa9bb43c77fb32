import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLog } from '@fractal-lba/wal'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type LogUnderTest, submissionLogContract } from '../log/log.contract.js'
import { DirectoryLog } from './directory-log.js'

const FILES = {
  segmentBytes: 2 ** 20,
  onFatal: (error: Error): never => {
    throw error
  },
}

async function directoryUnderTest(): Promise<LogUnderTest> {
  const directory = await mkdtemp(join(tmpdir(), 'flk-wal-'))
  let refusal: string | undefined
  return {
    async open(limits, clocks) {
      const turned = { wallMs: () => clocks.wall, monotonicMs: () => clocks.monotonic }
      const log = await DirectoryLog.open({ directory, ...limits, clocks: turned }, FILES)
      log.guardBy({
        get refusal() {
          return refusal ?? log.ownRefusal
        },
        space: { freeBytes: 1, sizeBytes: 2 },
      })
      return log
    },
    async fill() {
      refusal = 'the disk is nearly full; make room'
    },
    remove: () => rm(directory, { recursive: true }),
  }
}

submissionLogContract('in a directory', directoryUnderTest)

describe('DirectoryLog', () => {
  it.each(['/proc/x', '/proc/x/y', `/tmp/${'x'.repeat(300)}`])(
    'refuses %s, where no directory can be made, with a sentence',
    async (directory) => {
      const limits = { openMax: 1, liveLeaseMs: 0, replayTries: 1 }
      await expect(DirectoryLog.open({ directory, ...limits }, FILES)).rejects.toMatchObject({
        name: 'StartError',
        message: expect.stringContaining('set WAL_DIR to a directory that can be written'),
      })
    },
  )

  it('is the same whether its segments are read or their checkpoints', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'flk-wal-'))
    onTestFinished(() => rm(directory, { recursive: true }))
    const told: string[] = []
    const files = {
      ...FILES,
      segmentBytes: 64 * 2 ** 10,
      onEvent: ({ type }: { readonly type: string }) => told.push(type),
    }
    const clocks = { wallMs: () => 1_800_000_000_000, monotonicMs: () => 1_000 }
    const open = (liveLeaseMs = 0) =>
      DirectoryLog.open(
        { directory, openMax: 10_000, liveLeaseMs, replayTries: 1, clocks, trustedMs: clocks.wallMs },
        files,
      )
    const log = await open()
    await log.fence('first', { indexLogIds: ['aa'.repeat(16)], retiredLogIds: [] })
    const submission = { body: Buffer.alloc(300, 'x'), encoding: 1, arrivedAtMs: 5, liveMs: 0 }
    for (let round = 0; round < 40; round += 1) {
      const positions = await log.append(Array.from({ length: 20 }, () => submission))
      const marks = positions.slice(round % 3).map(({ logId, sequence }, index) => {
        const status = index % 5 === 0 ? 401 : 200
        const verdict = status === 200 ? Buffer.alloc(200, 'v') : undefined
        return {
          logId,
          mark: { sequence, status, verdict, indexed: false, generation: '', replayed: false },
        }
      })
      await log.mark(marks)
    }
    const [open1] = await log.leaseOpen({ countMax: 1, bytesMax: 10_000 }, 0)
    await log.reportReplayFailure(open1?.position, 'its own fault')
    await log.noteClock('confirmed')
    await log.close()
    const stateOf = async () => {
      told.length = 0
      const opened = await open()
      const { space: _, ...status } = opened.status()
      const leased = await opened.leaseOpen({ countMax: 10_000, bytesMax: 2 ** 30 }, 60_000)
      const state = {
        status,
        clock: opened.clock(),
        letters: opened.listDeadLetters(0, 10),
        leased: leased.map(({ position }) => position.sequence),
        compaction: await opened.compact({
          ...{ retentionMs: 1, dedupTtlMs: 1, bytesMax: 10_000, now: () => clocks.wallMs() + 1_000 },
          ...{ dryRun: true, thorough: true },
        }),
      }
      await opened.close()
      return { taken: told.filter((type) => type === 'checkpoint_taken').length, state }
    }
    const byCheckpoints = await stateOf()
    for (const name of await readdir(directory)) {
      if (name.endsWith('.checkpoint')) await rm(join(directory, name))
    }
    const byReading = await stateOf()
    expect(byCheckpoints.taken).toBeGreaterThan(3)
    expect(byReading.taken).toBe(0)
    expect(byCheckpoints.state).toEqual(byReading.state)
    expect(byReading.state.leased.length).toBeGreaterThan(30)
    expect(byReading.state.letters.deadLetterCount).toBe(1)
  })

  it('refuses a log with submissions from before the envelope, with a sentence', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'flk-wal-'))
    onTestFinished(() => rm(directory, { recursive: true }))
    const older = await openLog(directory, FILES)
    await older.append([{ type: 1, encoding: 1, body: Buffer.from('{}') }])
    await older.close()
    const limits = { openMax: 1, liveLeaseMs: 0, replayTries: 1 }
    await expect(DirectoryLog.open({ directory, ...limits }, FILES)).rejects.toThrow(
      'set WAL_DIR to a new directory',
    )
  })
})
