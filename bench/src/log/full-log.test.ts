import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DirectoryLog } from '@fractal-lba/wal-service'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { measureAppends } from './append-rate.js'
import { fillLog } from './full-log.js'
import { measureReading } from './read-rate.js'

let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'flk-log-bench-'))
})
afterEach(() => rm(directory, { recursive: true }))

describe('fillLog', () => {
  it('leaves a log as the product does: each submission with its mark, nothing open', async () => {
    const { submissions, sizeBytes, bytesPerSubmission } = await fillLog(
      directory,
      2_000_000,
      new AbortController().signal,
    )
    expect(sizeBytes).toBeGreaterThan(2_000_000)
    expect(bytesPerSubmission).toBeCloseTo(sizeBytes / submissions)
    const { records } = await measureReading(directory, 1)
    expect(records).toBe(2 * submissions + 1) // and the fence
    const options = { directory, openMax: 1, liveLeaseMs: 0, replayTries: 5 }
    const log = await DirectoryLog.open(options, {
      onFatal: (error) => {
        throw error
      },
    })
    expect(log.status().openCount).toBe(0)
    const marks: (number | undefined)[] = []
    for await (const read of log.readMarks(0)) marks.push(...read.marks.map(({ mark }) => mark?.status))
    expect(marks.length).toBe(submissions)
    expect(new Set(marks)).toEqual(new Set([200]))
    await log.close()
  })

  it('ends when it is told to', async () => {
    await expect(fillLog(directory, 1e12, AbortSignal.timeout(100))).rejects.toThrow()
  })
})

describe('measureAppends', () => {
  it('gives the rates with and without flush', async () => {
    const newDirectory = (): Promise<string> => mkdtemp(join(directory, 'appends-'))
    const rates = await measureAppends(newDirectory, { appenders: 8, rounds: 1, roundMs: 50 })
    expect(rates.appenders).toBe(8)
    expect(rates.flushed).toBeGreaterThan(0)
    expect(rates.unflushed).toBeGreaterThan(0)
  })
})
