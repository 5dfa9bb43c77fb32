import { record } from '@fractal-lba/proto'
import { monotonicMs } from '@fractal-lba/runtime'
import { describe, expect, it } from 'vitest'
import { type LogUnderTest, submissionLogContract } from '../log/log.contract.js'
import type { SubmissionLog } from '../log/submission-log.js'
import { MemoryBackend, type MemoryBackendOptions } from './memory-backend.js'
import { memoryLog } from './memory-log.js'

const BYTES_MAX = 8 * 2 ** 20
const LIMITS = { openMax: 10_000, liveLeaseMs: 0, replayTries: 3 }

const submission = (sizeBytes: number) => ({
  body: Buffer.alloc(sizeBytes),
  encoding: record.Encoding.ENCODING_JSON,
  liveMs: 0,
  arrivedAtMs: 0,
})
const refusalOf = (log: SubmissionLog, sequence: number) => ({
  logId: log.logId,
  mark: { sequence, status: 400, indexed: false, generation: '', replayed: false },
})

async function memoryUnderTest(): Promise<LogUnderTest> {
  let backend: MemoryBackend | undefined
  return {
    async open(limits, clocks) {
      backend = new MemoryBackend({ bytesMax: BYTES_MAX }, backend)
      return memoryLog(backend, limits, {
        wallMs: () => clocks.wall,
        monotonicMs: () => clocks.monotonic,
      })
    },
    async fill(log) {
      while (log.status().refusal === undefined) await log.append([submission(2 ** 16)])
    },
    remove: async () => {},
  }
}

submissionLogContract('in memory', memoryUnderTest)

function opened(options: MemoryBackendOptions): SubmissionLog {
  return memoryLog(new MemoryBackend(options), LIMITS, { wallMs: Date.now, monotonicMs })
}

describe('a log in memory', () => {
  it('is never longer than it may be, whatever is appended', async () => {
    const bytesMax = 50_000
    const log = opened({ bytesMax })
    const appends = Array.from({ length: 100 }, () => log.append([submission(900)]))
    const taken = (await Promise.allSettled(appends)).filter(({ status }) => status === 'fulfilled')
    expect(taken.length).toBeGreaterThan(20)
    expect(log.status().sizeBytes).toBeLessThan(bytesMax)
    let refusal: unknown
    for (let count = 0; count < 1000 && !refusal; count++) {
      await log.mark([refusalOf(log, 1)]).catch((error: unknown) => {
        refusal = error
      })
    }
    expect(refusal).toMatchObject({ code: 'unavailable', message: expect.stringContaining('in memory') })
    expect(log.status().sizeBytes).toBeLessThanOrEqual(bytesMax)
  })

  it('acknowledges nothing, and lets nothing be read, before its flush', async () => {
    const flushes: (() => void)[] = []
    const flush = (): Promise<void> => new Promise((resolve) => flushes.push(resolve))
    const log = opened({ bytesMax: BYTES_MAX, flush })
    let acknowledged = 0
    const both = [1, 2].map(() => log.append([submission(1)]).then(() => acknowledged++))
    await new Promise(setImmediate)
    expect([acknowledged, log.status().headSequence]).toEqual([0, 0])
    flushes.shift()?.()
    await both[0]
    expect([acknowledged, log.status().headSequence]).toEqual([1, 1])
    await new Promise(setImmediate)
    flushes.shift()?.()
    await both[1]
  })

  it('acknowledges nothing after a flush that failed', async () => {
    let fails = true
    const flush = async (): Promise<void> => {
      if (fails) throw new Error('EIO')
    }
    const log = opened({ bytesMax: BYTES_MAX, flush })
    const appends = await Promise.allSettled([log.append([submission(1)]), log.append([submission(1)])])
    expect(appends.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    fails = false
    await expect(log.append([submission(1)])).rejects.toMatchObject({ code: 'unavailable' })
    expect(log.status()).toMatchObject({ headSequence: 0, openCount: 0, refusal: expect.any(String) })
  })
})
