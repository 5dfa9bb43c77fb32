import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLogger, createRegistry } from '@fractal-lba/runtime'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { sweepTornFiles } from './torn-files.js'
import { watchTornFiles } from './torn-files-watch.js'

const DAY_MS = 86_400_000
const FIRST = '0000000000000001.seg'
const LIMIT = { timeout: 30_000 }

let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'flk-torn-'))
})
afterEach(() => rm(directory, { recursive: true }))

async function put(name: string, ageMs: number): Promise<void> {
  await writeFile(join(directory, name), 'bytes')
  const at = new Date(Date.now() - ageMs)
  await utimes(join(directory, name), at, at)
}

describe('sweepTornFiles', () => {
  it('removes old torn tails, and nothing else however old', async () => {
    const others = [FIRST, `${FIRST}.quarantined`, `${FIRST}.quarantined-2`, 'x.torn', `${FIRST}.torn.gz`]
    for (const name of others) await put(name, 30 * DAY_MS)
    await put(`${FIRST}.torn`, 15 * DAY_MS)
    await put(`${FIRST}.torn-2`, 15 * DAY_MS)
    await put(`${FIRST}.torn-3`, 13 * DAY_MS)
    expect(await sweepTornFiles(directory, Date.now() - 14 * DAY_MS)).toEqual({ kept: 1, removed: 2 })
    expect((await readdir(directory)).sort()).toEqual([...others, `${FIRST}.torn-3`].sort())
  })
})

describe('watchTornFiles', () => {
  it('counts them, and expires none by a wall clock that jumped', async () => {
    await put(`${FIRST}.torn`, 2 * DAY_MS)
    await put(`${FIRST}.torn-2`, DAY_MS / 2)
    const stopping = new AbortController()
    onTestFinished(() => stopping.abort())
    const registry = createRegistry('wal')
    const watch = { directory, retentionMs: DAY_MS, now: () => Date.now() - 10 * DAY_MS }
    watchTornFiles(watch, registry, createLogger('wal', 'fatal'), stopping.signal)
    await vi.waitUntil(async () => (await registry.metrics()).includes('wal_torn_files 2'), LIMIT)
    watchTornFiles(
      { ...watch, now: Date.now },
      createRegistry('wal'),
      createLogger('wal', 'fatal'),
      stopping.signal,
    )
    await vi.waitUntil(async () => (await readdir(directory)).length === 1, LIMIT)
    expect(await readdir(directory)).toEqual([`${FIRST}.torn-2`])
  })
})
