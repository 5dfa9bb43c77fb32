import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bytesOfVerdict, dedup } from '@fractal-lba/proto'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { readSnapshot, writeSnapshot } from '../memory/snapshot.js'
import type { StoredVerdict } from '../store.js'
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
import { markOf, pcsIdOf } from '../testing/verdicts.js'

async function metric(test: IndexUnderTest, name: string): Promise<number> {
  const found = await test.registry.getSingleMetric(name)?.get()
  return found?.values[0]?.value ?? Number.NaN
}

const eventually = (check: () => Promise<void>): Promise<void> =>
  vi.waitFor(check, { timeout: 10_000, interval: 5 })

describe('a fill', () => {
  it('fences the log, then reads its marks, and only then answers', async () => {
    const wal = await startTestWal()
    const verdicts = ['a', 'b', 'c', 'd', 'e'].map((name) => {
      const verdict = judgedIn(wal, name, 'content', NOW_MS - 1_500)
      acknowledge(wal, verdict, NOW_MS - 1_000)
      return verdict
    })
    const test = indexOver([wal.address], { nowMs: NOW_MS })
    expect(test.availability()).toMatchObject({ answers: false, refusal: /not been filled/ })
    test.run()
    expect(await test.answering()).toBe(wal.generation)
    expect(wal.calls).toEqual(['fence', 'readMarks 1'])
    const entries = await test.store.getMany(['a', 'b', 'c', 'd', 'e'].map(pcsIdOf))
    expect(entries).toEqual(
      verdicts.map((verdict) => ({ verdict, expiresAtMs: NOW_MS - 1_000 + TTL_MS, marked: true })),
    )
    expect(await metric(test, 'dedup_marks_read_total')).toBe(5)
    expect(await metric(test, 'dedup_fill_progress_ratio')).toBe(1)
    expect(await metric(test, 'dedup_fills_total')).toBe(1)
  })

  it('leaves out what is not indexed, what has expired, and what is no verdict', async () => {
    const wal = await startTestWal()
    const long = NOW_MS - TTL_MS - 1_000
    const [unindexed, old] = ['unindexed', 'old'].map((name) => judgedIn(wal, name, 'content', long))
    const young = judgedIn(wal, 'young', 'content', NOW_MS - TTL_MS + 1)
    if (!unindexed || !old) throw new Error('two were made')
    wal.append({ ...markOf(unindexed, ''), indexed: false }, NOW_MS)
    wal.append({ ...markOf(old, ''), status: 400, verdict: undefined, indexed: false }, NOW_MS)
    wal.append(markOf(old, ''), NOW_MS - TTL_MS)
    wal.append({ ...markOf(old, ''), verdict: bytesOfVerdict({ ...old, origin: undefined }) }, NOW_MS)
    wal.append(markOf(young, ''), NOW_MS - TTL_MS + 1)
    const test = indexOver([wal.address], { nowMs: NOW_MS })
    test.run()
    await test.answering()
    expect(test.store.state().remembered).toBe(1)
    expect(await stored(test, 'young')).toEqual(young)
    // The mark without an origin: nothing that the log should ever hold.
    expect(await metric(test, 'dedup_integrity_conflicts_total')).toBe(1)
  })

  it('waits for a log that is not there, without a flood in its own log, and is filled when it comes', async () => {
    const wal = await startTestWal()
    acknowledge(wal, judgedIn(wal, 'a'))
    await wal.down()
    const test = indexOver([wal.address], { nowMs: NOW_MS })
    const warn = vi.spyOn(test.logger, 'warn')
    test.run()
    await eventually(async () => {
      expect(test.keeper.dependencies()).toEqual({ wal: { state: 'down' } })
      expect(test.availability()).toMatchObject({
        answers: false,
        refusal: expect.stringContaining(wal.address),
      })
    })
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(warn).toHaveBeenCalledTimes(1)
    await wal.up()
    await test.answering()
    expect(await stored(test, 'a')).toBeDefined()
    expect(test.keeper.dependencies()).toEqual({ wal: { state: 'up' } })
  })

  it('goes on where it was when the reading breaks off', async () => {
    const wal = await startTestWal()
    for (let id = 0; id < 20; id += 1) acknowledge(wal, judgedIn(wal, `${id}`))
    wal.breakAfterMessages = 3
    const test = indexOver([wal.address], { nowMs: NOW_MS })
    test.run()
    await test.answering()
    expect(test.store.state().remembered).toBe(20)
    expect(wal.calls.slice(0, 4)).toEqual(['fence', 'readMarks 1', 'fence', 'readMarks 7'])
    expect(await metric(test, 'dedup_marks_read_total')).toBe(20)
  })

  it('takes all logs before it answers, and names the one that is missing', async () => {
    const [one, two] = [await startTestWal(), await startTestWal()]
    acknowledge(one, judgedIn(one, 'a'))
    acknowledge(two, judgedIn(two, 'b'))
    await two.down()
    const test = indexOver([one.address, two.address], { nowMs: NOW_MS })
    test.run()
    await eventually(async () => {
      expect(await stored(test, 'a')).toBeDefined()
      expect(test.availability()).toMatchObject({
        answers: false,
        refusal: expect.stringContaining(two.address),
      })
    })
    await two.up()
    const generation = await test.answering()
    expect([one.generation, two.generation]).toEqual([generation, generation])
    expect(await stored(test, 'b')).toBeDefined()
  })

  it('begins again when a log was fenced by somebody else while another one kept it waiting', async () => {
    const [one, two] = [await startTestWal(), await startTestWal()]
    await two.down()
    const test = indexOver([one.address, two.address], { nowMs: NOW_MS })
    test.run()
    await eventually(async () => expect(test.keeper.dependencies()[`wal ${two.address}`]?.state).toBe('down'))
    one.generation = 'another index'
    acknowledge(one, judgedIn(one, 'a'))
    await two.up()
    const generation = await test.answering()
    expect([one.generation, two.generation]).toEqual([generation, generation])
    expect(await stored(test, 'a')).toBeDefined()
  })

  it('keeps the verdict that was judged first when two marks contradict each other, and counts it', async () => {
    const [one, two] = [await startTestWal(), await startTestWal()]
    const later = judgedIn(one, 'a', 'one content', NOW_MS - 100)
    const earlier = judgedIn(two, 'a', 'another', NOW_MS - 200)
    acknowledge(one, later)
    acknowledge(two, earlier)
    const test = indexOver([one.address, two.address], { nowMs: NOW_MS })
    const error = vi.spyOn(test.logger, 'error')
    test.run()
    await test.answering()
    expect(await stored(test, 'a')).toEqual(earlier)
    expect(await metric(test, 'dedup_integrity_conflicts_total')).toBe(1)
    expect(error.mock.calls[0]?.[0]).toMatchObject({ pcsIds: [pcsIdOf('a')], count: 1 })
  })

  it('takes the time of the judgement where the clock of the log was behind it', async () => {
    const wal = await startTestWal()
    const verdict = judgedIn(wal, 'a', 'content', NOW_MS - 1_000)
    acknowledge(wal, verdict, NOW_MS - 2 * TTL_MS)
    const test = indexOver([wal.address], { nowMs: NOW_MS })
    test.run()
    await test.answering()
    expect(await stored(test, 'a')).toEqual(verdict)
  })

  it('refuses a log with another DEDUP_TTL, and says both, also when it comes to differ later', async () => {
    const wal = await startTestWal()
    wal.dedupTtlMs = TTL_MS + 1
    const test = indexOver([wal.address], { nowMs: NOW_MS })
    test.run()
    const says = `DEDUP_TTL is ${TTL_MS} ms here and ${TTL_MS + 1} ms at the log at ${wal.address}`
    const refusal = { answers: false, refusal: expect.stringContaining(says) }
    await eventually(async () => expect(test.availability()).toMatchObject(refusal))
    expect(wal.calls).toEqual([])
    wal.dedupTtlMs = TTL_MS
    await test.answering()
    wal.dedupTtlMs = TTL_MS + 1
    await eventually(async () => expect(test.availability()).toMatchObject(refusal))
  })

  it('takes the expiry from the first mark, whichever log has it', async () => {
    const [one, two] = [await startTestWal(), await startTestWal()]
    const verdict = judgedIn(two, 'a', 'content', NOW_MS - 10_000)
    acknowledge(one, verdict, NOW_MS - 5_000, 17)
    acknowledge(two, verdict, NOW_MS - 9_000)
    acknowledge(two, verdict, NOW_MS - 3_000, 18)
    const test = indexOver([one.address, two.address], { nowMs: NOW_MS })
    test.run()
    await test.answering()
    const [entry] = await test.store.getMany([pcsIdOf('a')])
    expect(entry).toEqual({ verdict, expiresAtMs: NOW_MS - 9_000 + TTL_MS, marked: true })
  })

  it('does not bring back what has expired, though a late duplicate was marked since', async () => {
    const wal = await startTestWal()
    const old = judgedIn(wal, 'a', 'first life', NOW_MS - TTL_MS - 60_000)
    acknowledge(wal, old, NOW_MS - TTL_MS - 59_000)
    acknowledge(wal, old, NOW_MS - 61_000, 2)
    const second = judgedIn(wal, 'b', 'second life', NOW_MS - 50_000)
    acknowledge(wal, judgedIn(wal, 'b', 'first life', NOW_MS - TTL_MS - 60_000), NOW_MS - 61_000)
    acknowledge(wal, second, NOW_MS - 50_000)
    const test = indexOver([wal.address], { nowMs: NOW_MS })
    test.run()
    await test.answering()
    expect(await stored(test, 'a')).toBeUndefined()
    expect(await stored(test, 'b')).toEqual(second)
    expect(await metric(test, 'dedup_integrity_conflicts_total')).toBe(0)
  })

  it('remembers more than there is room for, and then takes nothing new', async () => {
    const wal = await startTestWal()
    for (let id = 0; id < 20; id += 1) acknowledge(wal, judgedIn(wal, `${id}`))
    const test = indexOver([wal.address], { nowMs: NOW_MS, idsMax: 5 })
    test.run()
    await test.answering()
    expect(test.store.state().remembered).toBe(20)
    expect(test.index.refusal).toContain('DEDUP_MEMORY_MAX=5')
  })
})

describe('after a kill -9', () => {
  it('a snapshot and the marks since hold all that was acknowledged, and only those are read', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'dedup-keeper-'))
    onTestFinished(() => rmSync(directory, { recursive: true }))
    const path = join(directory, 'snapshot')
    const wal = await startTestWal()
    const first = indexOver([wal.address], { nowMs: NOW_MS })
    first.run()
    await first.answering()
    const acknowledged: StoredVerdict[] = []
    const submit = async (name: string): Promise<void> => {
      const verdict = judgedIn(wal, name)
      const [found] = await first.index.putManyIfAbsent([verdict])
      if (!found || !('generation' in found)) throw new Error('it was to be put')
      wal.markDone(markOf(verdict, found.generation), NOW_MS)
      acknowledged.push(verdict)
    }
    for (let id = 0; id < 30; id += 1) await submit(`before ${id}`)
    await eventually(async () =>
      expect((await first.store.positions()).get(wal.logId)).toBe(wal.nextSequence),
    )
    // Put, but never marked, because its gateway was killed too: nobody was told of it.
    await first.index.putManyIfAbsent([judgedIn(wal, 'never marked')])
    await writeSnapshot(path, first.store, TTL_MS)
    const position = wal.nextSequence
    for (let id = 0; id < 30; id += 1) await submit(`since ${id}`)
    await first.stop()

    wal.calls.length = 0
    const second = indexOver([wal.address], { nowMs: NOW_MS })
    expect(await readSnapshot(path, second.store, TTL_MS)).toEqual({ restored: true })
    second.run()
    await second.answering()
    expect(wal.calls).toEqual(['fence', `readMarks ${position}`])
    for (const verdict of acknowledged) {
      const asker = { pcsId: verdict.outcome.pcsId, fingerprint: verdict.fingerprint }
      const [duplicate] = await second.index.lookupMany([
        { ...asker, origin: { logId: wal.logId, sequence: 999 } },
      ])
      expect(duplicate).toMatchObject({ finding: dedup.Finding.FINDING_DUPLICATE, verdict })
    }
  })
})

describe('while it answers', () => {
  it('reads the marks that are made, so that the time counts from the first', async () => {
    const wal = await startTestWal()
    const test = indexOver([wal.address], { nowMs: NOW_MS })
    test.run()
    const generation = await test.answering()
    const verdict = judgedIn(wal, 'a')
    await test.index.putManyIfAbsent([verdict])
    wal.markDone(markOf(verdict, generation), NOW_MS + 700)
    await eventually(async () => {
      const [entry] = await test.store.getMany([pcsIdOf('a')])
      expect(entry).toEqual({ verdict, expiresAtMs: NOW_MS + 700 + TTL_MS, marked: true })
      expect((await test.store.positions()).get(wal.logId)).toBe(wal.nextSequence)
    })
    // A duplicate's mark changes nothing, and after its time it is not brought back by one.
    wal.markDone(markOf(verdict, generation, 77), NOW_MS + 900)
    test.clock.nowMs = NOW_MS + 700 + TTL_MS
    wal.markDone(markOf(verdict, generation, 78), NOW_MS + 701 + TTL_MS)
    await eventually(async () => expect((await test.store.positions()).get(wal.logId)).toBe(wal.nextSequence))
    expect(await stored(test, 'a')).toBeUndefined()
    expect(await metric(test, 'dedup_store_corrections_total')).toBe(0)
    expect(await metric(test, 'dedup_fills_total')).toBe(1)
  })

  it('goes on while a log is away, and says so', async () => {
    const wal = await startTestWal()
    const test = indexOver([wal.address], { nowMs: NOW_MS })
    test.run()
    const generation = await test.answering()
    await wal.down()
    await eventually(async () => expect(test.keeper.dependencies()).toEqual({ wal: { state: 'down' } }))
    expect(test.availability()).toEqual({ answers: true, generation })
    await wal.up()
    await eventually(async () => expect(test.keeper.dependencies()).toEqual({ wal: { state: 'up' } }))
    expect(test.availability()).toEqual({ answers: true, generation })
  })

  it('stops answering when another index has fenced the log, and is filled again with what that one marked', async () => {
    const wal = await startTestWal()
    const test = indexOver([wal.address], { nowMs: NOW_MS })
    test.run()
    const generation = await test.answering()
    const mine = judgedIn(wal, 'a', 'put here')
    await test.index.putManyIfAbsent([mine])

    wal.generation = 'of another index'
    const theirs = judgedIn(wal, 'a', 'put there')
    acknowledge(wal, theirs)
    expect(() => wal.markDone(markOf(mine, generation))).toThrow('older generation')
    const next = await test.answering(generation)
    expect(wal.generation).toBe(next)
    // Mine was never acknowledged, theirs was: the mark wins.
    expect(await stored(test, 'a')).toEqual(theirs)
    expect(await metric(test, 'dedup_store_corrections_total')).toBe(1)
    expect(await metric(test, 'dedup_integrity_conflicts_total')).toBe(0)
    expect(await metric(test, 'dedup_fills_total')).toBe(2)
  })

  it('is filled again, under one generation everywhere, when one of its logs is replaced by an empty one', async () => {
    const [one, two] = [await startTestWal(), await startTestWal()]
    const test = indexOver([one.address, two.address], { nowMs: NOW_MS })
    test.run()
    const generation = await test.answering()
    acknowledge(one, judgedIn(one, 'a'))
    await eventually(async () => expect(await stored(test, 'a')).toBeDefined())
    one.replace()
    const next = await test.answering(generation)
    expect([one.generation, two.generation]).toEqual([next, next])
    expect(await stored(test, 'a')).toBeDefined()
  })

  it('is filled again when the address leads to another log, whatever that one says', async () => {
    const wal = await startTestWal()
    const test = indexOver([wal.address], { nowMs: NOW_MS })
    test.run()
    const generation = await test.answering()
    wal.logId = 'bb'.repeat(16)
    acknowledge(wal, judgedIn(wal, 'a'))
    await test.answering(generation)
    expect(await stored(test, 'a')).toBeDefined()
  })

  it('reads a log from its beginning when it is shorter than what was read of it', async () => {
    const wal = await startTestWal()
    for (let id = 0; id < 20; id += 1) acknowledge(wal, judgedIn(wal, `${id}`))
    const test = indexOver([wal.address], { nowMs: NOW_MS })
    test.run()
    const generation = await test.answering()
    wal.truncate(10)
    wal.calls.length = 0
    await test.answering(generation)
    expect(wal.calls).toEqual(['fence', 'readMarks 1'])
  })
})
