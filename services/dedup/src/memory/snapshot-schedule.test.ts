import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLogger, createRegistry, StartError } from '@fractal-lba/runtime'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createDedupMetrics } from '../metrics.js'
import { entryOf, pcsIdOf, verdictOf } from '../testing/verdicts.js'
import { MemoryStore } from './memory-store.js'
import { SnapshotSchedule } from './snapshot-schedule.js'

const TTL_MS = 60_000

function newDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'dedup-schedule-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  return directory
}

function scheduleOver(path: string, everyMs = 3_600_000) {
  const store = new MemoryStore({ idsMax: 100, ttlMs: TTL_MS, now: Date.now })
  onTestFinished(() => store.close())
  const metrics = createDedupMetrics(createRegistry('dedup'), store, () => 0)
  const logger = createLogger('dedup', 'fatal')
  const schedule = new SnapshotSchedule(store, { path, everyMs, ttlMs: TTL_MS }, metrics, logger)
  const put = (name: string) => store.putManyIfAbsent([entryOf(verdictOf(name), Date.now() + TTL_MS)])
  return { store, metrics, logger, schedule, put }
}

describe('the schedule of snapshots', () => {
  it('writes at the stop, into a directory that it makes, and reads at the start', async () => {
    const path = join(newDirectory(), 'deeper', 'still', 'snapshot')
    const first = scheduleOver(path)
    await first.schedule.prepare()
    await first.schedule.restore()
    await first.put('a')
    await first.schedule.stop()

    const second = scheduleOver(path)
    await second.schedule.restore()
    expect((await second.store.getMany([pcsIdOf('a')]))[0]).toBeDefined()
    await second.schedule.stop()
  })

  it('writes at every interval in which something has changed', async () => {
    const path = join(newDirectory(), 'snapshot')
    const { schedule, put } = scheduleOver(path, 10)
    const exists = (): boolean => statSync(path, { throwIfNoEntry: false }) !== undefined
    await schedule.restore()
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(exists()).toBe(false)
    await put('a')
    await vi.waitFor(() => expect(exists()).toBe(true), { timeout: 10_000 })
    await schedule.stop()
  })

  it('does not replace a snapshot that it has not read', async () => {
    const path = join(newDirectory(), 'snapshot')
    writeFileSync(path, 'precious')
    const { schedule, put } = scheduleOver(path, 10)
    await put('a')
    await schedule.stop()
    expect(statSync(path).size).toBe('precious'.length)
  })

  it('counts and says what cannot be written, and goes on', async () => {
    const directory = newDirectory()
    const { schedule, put, metrics, logger } = scheduleOver(join(directory, 'missing', 'snapshot'), 10)
    const error = vi.spyOn(logger, 'error')
    await schedule.restore()
    await put('a')
    await vi.waitFor(() => expect(error.mock.calls.length).toBeGreaterThan(1), { timeout: 10_000 })
    await schedule.stop()
    expect((await metrics.snapshotFailures.get()).values[0]?.value).toBe(error.mock.calls.length)
  })

  it('says what to do when there can be no directory', async () => {
    const directory = newDirectory()
    writeFileSync(join(directory, 'file'), '')
    const { schedule } = scheduleOver(join(directory, 'file', 'snapshot'))
    const failure = schedule.prepare()
    await expect(failure).rejects.toBeInstanceOf(StartError)
    await expect(failure).rejects.toThrow('set DEDUP_SNAPSHOT or DATA_DIR')
  })
})
