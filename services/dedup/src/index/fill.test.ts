import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { readSnapshot, writeSnapshot } from '../memory/snapshot.js'
import {
  acknowledge,
  type IndexUnderTest,
  indexOver,
  judgedIn,
  NOW_MS,
  startTestWal,
  stored,
  TTL_MS,
} from '../testing/index-under-test.js'
import type { TestWal } from '../testing/test-wal.js'
import { pcsIdOf } from '../testing/verdicts.js'

describe('a fill that begins where the store is', () => {
  const LONG_AGO_MS = NOW_MS - TTL_MS - 60_000
  const JUST_MS = NOW_MS - 1_000

  /** A store that an index has filled from what the log has by now. */
  async function filled(wal: TestWal, nowMs: number): Promise<IndexUnderTest> {
    const test = indexOver([wal.address], { nowMs })
    test.run()
    await test.answering()
    await test.stop()
    return test
  }

  /** The same store for another process, later. */
  async function restarted(wal: TestWal, before: IndexUnderTest): Promise<IndexUnderTest> {
    const directory = mkdtempSync(join(tmpdir(), 'dedup-keeper-'))
    onTestFinished(() => rmSync(directory, { recursive: true }))
    const path = join(directory, 'snapshot')
    await writeSnapshot(path, before.store, TTL_MS)
    const test = indexOver([wal.address], { nowMs: NOW_MS })
    expect(await readSnapshot(path, test.store, TTL_MS)).toEqual({ restored: true })
    wal.calls.length = 0
    test.run()
    await test.answering()
    return test
  }

  it('does not bring back what has expired since, though a late duplicate was marked', async () => {
    const wal = await startTestWal()
    const old = judgedIn(wal, 'a', 'content', LONG_AGO_MS)
    acknowledge(wal, old, LONG_AGO_MS)
    const before = await filled(wal, LONG_AGO_MS)
    expect(await stored(before, 'a')).toEqual(old)
    const position = wal.nextSequence
    acknowledge(wal, old, LONG_AGO_MS + TTL_MS - 1, 2)
    const after = await restarted(wal, before)
    expect(await stored(after, 'a')).toBeUndefined()
    expect(wal.calls).toEqual(['fence', `readMarks ${position}`, 'fence', 'readMarks 1'])
  })

  it('keeps what was judged long ago and is marked for the first time', async () => {
    const wal = await startTestWal()
    acknowledge(wal, judgedIn(wal, 'other', 'content', LONG_AGO_MS), LONG_AGO_MS)
    const before = await filled(wal, LONG_AGO_MS)
    const late = judgedIn(wal, 'a', 'content', LONG_AGO_MS)
    acknowledge(wal, late, JUST_MS)
    const after = await restarted(wal, before)
    const [entry] = await after.store.getMany([pcsIdOf('a')])
    expect(entry).toEqual({ verdict: late, expiresAtMs: JUST_MS + TTL_MS, marked: true })
  })
})
