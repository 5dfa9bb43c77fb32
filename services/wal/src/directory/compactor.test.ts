import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { record, type wal } from '@fractal-lba/proto'
import { createLogger, createRegistry } from '@fractal-lba/runtime'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { createCompactionMetrics } from '../metrics.js'
import { Compactor } from './compactor.js'
import { DirectoryLog } from './directory-log.js'

const DAY_MS = 86_400_000
const COUNT = 60

let directory: string
let log: DirectoryLog

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'flk-wal-'))
  log = await DirectoryLog.open(
    { directory, liveLeaseMs: 0, openMax: 1000, replayTries: 1 },
    {
      segmentBytes: 24 * 1024,
      onFatal: (error) => {
        throw error
      },
    },
  )
  await append()
})

afterEach(async () => {
  await log.close()
  await rm(directory, { recursive: true })
})

async function append(): Promise<void> {
  const item: wal.AppendItem = {
    body: Buffer.alloc(600),
    encoding: record.Encoding.ENCODING_JSON,
    liveMs: 0,
    arrivedAtMs: 0,
  }
  for (let sent = 0; sent < COUNT; sent += 20) await log.append(Array.from({ length: 20 }, () => item))
}

async function refuseAll(): Promise<void> {
  const mark = { status: 400, verdict: undefined, indexed: false, generation: '', replayed: false }
  const marks = Array.from({ length: COUNT }, (_, index) => ({ ...mark, sequence: index + 1 }))
  await log.mark(marks.map((one) => ({ logId: log.logId, mark: one })))
}

function newCompactor(bytesMax: number, everyMs = 0) {
  const registry = createRegistry('wal')
  const compactor = new Compactor(
    log,
    { retentionMs: 14 * DAY_MS, dedupTtlMs: 14 * DAY_MS, bytesMax, everyMs, now: Date.now },
    createCompactionMetrics(registry),
    createLogger('wal', 'fatal'),
  )
  const metric = async (name: string): Promise<number> =>
    Number(new RegExp(`^${name} (.+)$`, 'm').exec(await registry.metrics())?.[1])
  return { compactor, metric }
}

describe('Compactor', () => {
  it('says why submissions must be refused while what must be kept is too long, and no longer', async () => {
    const { compactor } = newCompactor(40_000)
    expect(compactor.refusal).toBeUndefined()
    expect(await compactor.run(false)).toMatchObject({ limitExceeded: true, freedBytes: 0 })
    expect(compactor.refusal).toContain('WAL_BYTES_MAX=40000')
    expect(compactor.keptBytes).toBe(log.sizeBytes)
    await refuseAll()
    expect(await compactor.run(false)).toMatchObject({ limitExceeded: false })
    expect(compactor.refusal).toBeUndefined()
  })

  it('runs one compaction at a time', async () => {
    const { compactor } = newCompactor(0)
    const first = compactor.run(false)
    await expect(compactor.run(false)).rejects.toMatchObject({ code: 'unavailable' })
    await first
    await compactor.run(true)
  })

  it('counts what was freed, but not what a dry run would free', async () => {
    await refuseAll()
    const { compactor, metric } = newCompactor(0)
    const foretold = await compactor.run(true)
    expect(foretold.freedBytes).toBeGreaterThan(0)
    expect(await metric('wal_compacted_bytes_total')).toBe(0)
    expect(await metric('wal_compaction_last_success_timestamp_seconds')).toBe(0)
    await compactor.run(false)
    expect(await metric('wal_compacted_bytes_total')).toBe(foretold.freedBytes)
    expect(await metric('wal_compaction_last_success_timestamp_seconds')).toBeGreaterThan(0)
  })

  it('ends the compaction under way before the log is closed', async () => {
    await refuseAll()
    const { compactor } = newCompactor(0)
    const running = compactor.run(false)
    await compactor.close()
    await log.close()
    await expect(running).resolves.toMatchObject({ bodiesDropped: expect.any(Number) })
  })

  it('says how far it has come', async () => {
    await refuseAll()
    const { compactor } = newCompactor(0)
    expect(compactor.share).toBeUndefined()
    const shares: number[] = []
    const watch = setInterval(() => compactor.share !== undefined && shares.push(compactor.share))
    onTestFinished(() => clearInterval(watch))
    const running = compactor.run(false)
    expect(compactor.share).toBe(0)
    await running
    expect(compactor.share).toBeUndefined()
    expect(shares).toEqual([...shares].sort((left, right) => left - right))
    expect(shares.every((share) => share >= 0 && share <= 1)).toBe(true)
  })
})

const MINUTE_MS = 60_000

describe('what begins a compaction by itself', () => {
  // Only the clock is turned by hand: the log, its files and its compaction are real.
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  /** Lets so much time pass. @returns when what began in it has ended, with how often it began. */
  async function begunIn(ms: number): Promise<number> {
    const compact = vi.spyOn(log, 'compact')
    vi.advanceTimersByTime(ms)
    const begun = compact.mock.results.length
    await Promise.all(compact.mock.results.map(({ value }) => value))
    compact.mockRestore()
    return begun
  }

  it.each([
    { cause: 'the schedule', everyMs: MINUTE_MS, bytesMax: 0, isLow: false, compacts: true },
    { cause: 'the byte limit', everyMs: 0, bytesMax: 40_000, isLow: false, compacts: true },
    { cause: 'a full disk', everyMs: 0, bytesMax: 0, isLow: true, compacts: true },
    { cause: 'nothing', everyMs: 0, bytesMax: 0, isLow: false, compacts: false },
    { cause: 'a schedule of later', everyMs: 3 * MINUTE_MS, bytesMax: 0, isLow: false, compacts: false },
    { cause: 'a limit that is far', everyMs: 0, bytesMax: 2 ** 30, isLow: false, compacts: false },
  ])('$cause: $compacts', async ({ everyMs, bytesMax, isLow, compacts }) => {
    await refuseAll()
    const before = log.sizeBytes
    const { compactor } = newCompactor(bytesMax, everyMs)
    compactor.start(() => isLow)
    expect(await begunIn(MINUTE_MS)).toBe(compacts ? 1 : 0)
    expect(log.sizeBytes < before).toBe(compacts)
    await compactor.close()
  })

  it('is the byte limit at once, but not again and again where it cannot be met', async () => {
    const { compactor } = newCompactor(40_000)
    compactor.start(() => false)
    expect(await begunIn(1_000)).toBe(1)
    expect(compactor.limitExceeded).toBe(true)
    expect(await begunIn(MINUTE_MS / 4)).toBe(0)
    expect(await begunIn(MINUTE_MS / 2)).toBe(1)
    await compactor.close()
  })

  it('does nothing after the end', async () => {
    await refuseAll()
    const { compactor } = newCompactor(0, 1)
    compactor.start(() => true)
    await compactor.close()
    expect(await begunIn(MINUTE_MS)).toBe(0)
  })
})
