import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { verifier, type wal } from '@fractal-lba/proto'
import { createLogger, createRegistry } from '@fractal-lba/runtime'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Compactor } from './compactor.js'
import { createCompactionMetrics } from './metrics.js'
import { SubmissionLog } from './submission-log.js'

const DAY_MS = 86_400_000
const COUNT = 60

let directory: string
let log: SubmissionLog

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'flk-wal-'))
  log = await SubmissionLog.open(
    directory,
    { liveHoldMs: 0, openEntriesMax: 1000, replayTries: 1 },
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
    encoding: verifier.Encoding.ENCODING_JSON,
    liveMs: 0,
    traceparent: '',
  }
  for (let sent = 0; sent < COUNT; sent += 20) await log.append(Array.from({ length: 20 }, () => item))
}

async function refuseAll(): Promise<void> {
  const mark = { status: 400, verdict: undefined, indexed: false, generation: '', replayed: false }
  const marks = Array.from({ length: COUNT }, (_, index) => ({ ...mark, sequence: index + 1 }))
  await log.markDone(marks.map((one) => ({ logId: log.logId, mark: one, traceparent: '' })))
}

function newCompactor(bytesMax: number) {
  const registry = createRegistry()
  const compactor = new Compactor(
    log,
    { retentionMs: 14 * DAY_MS, dedupTtlMs: 14 * DAY_MS, bytesMax, everyMs: 0, now: Date.now },
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
})
