import { dedup } from '@fractal-lba/proto'
import { describe, expect, it } from 'vitest'
import { indexOver, startTestWal, TTL_MS } from '../testing/index-under-test.js'
import { entryOf, markOf, verdictOf } from '../testing/verdicts.js'

const { KIND_DIFFERENT, KIND_MISSING, KIND_UNREADABLE } = dedup.Difference_Kind

async function all<T>(parts: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = []
  for await (const part of parts) collected.push(part)
  return collected
}

const none = new AbortController().signal

describe('the comparison of store and marks', () => {
  it('names each mark that the store does not agree with, and leaves expired ones alone', async () => {
    const wal = await startTestWal()
    const test = indexOver([wal.address])
    const place = { logId: wal.logId }
    const nowMs = test.clock.nowMs
    const verdict = (name: string, sequence: number) =>
      verdictOf(name, { ...place, sequence, judgedAtMs: nowMs })
    const [good, lost, other] = [verdict('good', 1), verdict('lost', 2), verdict('other', 3)]
    for (const one of [good, lost, other]) wal.append(markOf(one, 'g'), nowMs)
    const old = verdictOf('old', { ...place, sequence: 4, judgedAtMs: nowMs - 2 * TTL_MS })
    wal.append(markOf(old, 'g'), nowMs - 2 * TTL_MS)
    test.run()
    const generation = await test.answering()
    wal.append({ ...markOf(good, generation), verdict: Buffer.from('no verdict') }, nowMs)
    await test.store.overwriteMany([
      entryOf(lost, nowMs - 1, true),
      entryOf({ ...other, keyId: 'another' }, nowMs + TTL_MS, true),
    ])
    const stretches = await all(test.maintenance.verify())
    expect(stretches.flatMap(({ differences }) => differences)).toEqual([
      { kind: KIND_MISSING, sequence: 2, pcsId: lost.outcome.pcsId },
      { kind: KIND_DIFFERENT, sequence: 3, pcsId: other.outcome.pcsId },
      { kind: KIND_UNREADABLE, sequence: expect.any(Number), pcsId: '' },
    ])
    const sum = (part: 'marks' | 'missing' | 'different' | 'unreadable'): number =>
      stretches.reduce((total, stretch) => total + stretch[part], 0)
    expect([sum('marks'), sum('missing'), sum('different'), sum('unreadable')]).toEqual([3, 1, 1, 1])
    expect(stretches.map(({ fromSequence }) => fromSequence)).toEqual([
      1,
      ...stretches.slice(0, -1).map(({ nextSequence }) => nextSequence),
    ])
    expect(stretches.at(-1)).toMatchObject({ logId: wal.logId, logAddress: wal.address })
    expect((await test.store.getMany([lost.outcome.pcsId]))[0]).toBeUndefined()
  })

  it('takes an entry whose mark has not been read back for what it is', async () => {
    const wal = await startTestWal()
    const test = indexOver([wal.address])
    test.run()
    const generation = await test.answering()
    const verdict = verdictOf('a', { logId: wal.logId, sequence: 2, judgedAtMs: test.clock.nowMs })
    await test.stop()
    await test.store.putManyIfAbsent([entryOf(verdict, test.clock.nowMs + TTL_MS + 5_000)])
    wal.append(markOf(verdict, generation), test.clock.nowMs)
    const again = indexOver([wal.address])
    again.run()
    await again.answering()
    const stretches = await all(again.maintenance.verify())
    expect(stretches.reduce((total, { marks }) => total + marks, 0)).toBe(1)
    expect(stretches.flatMap(({ differences }) => differences)).toEqual([])
  })

  it('is refused while the index is not filled', async () => {
    const test = indexOver(['127.0.0.1:9'])
    await expect(all(test.maintenance.verify())).rejects.toMatchObject({ code: 'unavailable' })
  })
})

describe('a rebuild', () => {
  it('reads everything again, refuses meanwhile, and says what it came to', async () => {
    const wal = await startTestWal()
    const test = indexOver([wal.address])
    const verdicts = [1, 2, 3].map((sequence) =>
      verdictOf(sequence, { logId: wal.logId, sequence, judgedAtMs: test.clock.nowMs }),
    )
    for (const verdict of verdicts) wal.append(markOf(verdict, 'g'), test.clock.nowMs)
    test.run()
    const generation = await test.answering()
    const [second] = verdicts.slice(1)
    if (!second) throw new Error('there are three')
    await test.store.overwriteMany([
      entryOf({ ...second, keyId: 'another' }, test.clock.nowMs + TTL_MS, true),
    ])
    wal.calls.length = 0
    const responses = await all(test.maintenance.rebuild(none))
    expect(responses[0]).toMatchObject({
      report: undefined,
      refusal: expect.stringMatching(/rebuilt|filled/),
    })
    const { report } = responses.at(-1) ?? {}
    expect(report).toMatchObject({ marks: 3, corrected: 1, contradictory: 0, unreadable: 0, remembered: 3 })
    expect(report?.generation).not.toBe(generation)
    expect(wal.calls.slice(0, 2)).toEqual(['fence', 'readMarks 1'])
    expect(await test.answering(generation)).toBe(report?.generation)
  })
})
