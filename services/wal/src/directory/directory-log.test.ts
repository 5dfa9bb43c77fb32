import { mkdtemp, rm } from 'node:fs/promises'
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
