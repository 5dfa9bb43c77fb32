import type { dedup } from '@fractal-lba/proto'
import { describe, expect, it, vi } from 'vitest'
import { type IndexUnderTest, indexOver, startTestWal, TTL_MS } from '../testing/index-under-test.js'
import type { TestWal } from '../testing/test-wal.js'
import { markOf, pcsIdOf, verdictOf } from '../testing/verdicts.js'

const NOW_MS = Date.now()

function acknowledge(wal: TestWal, name: string, flushedAtMs = NOW_MS): void {
  const verdict = verdictOf(name, { judgedAtMs: flushedAtMs, logId: wal.logId, sequence: wal.nextSequence })
  wal.markDone(markOf(verdict, wal.generation), flushedAtMs)
}

async function running(wals: readonly TestWal[], nowMs = NOW_MS): Promise<IndexUnderTest> {
  const test = indexOver(
    wals.map(({ address }) => address),
    { nowMs },
  )
  test.run()
  await test.answering()
  return test
}

/** Calls as an operator does, until the end. */
async function retire(
  { maintenance }: IndexUnderTest,
  wal: TestWal,
  into?: TestWal,
): Promise<dedup.RetireLogResponse | undefined> {
  let last: dedup.RetireLogResponse | undefined
  const request = { logId: wal.logId, copyToLogId: into?.logId ?? '', lost: false }
  for await (const response of maintenance.retireLog(request, new AbortController().signal)) last = response
  return last
}

const obstacleOf = async ({ maintenance }: IndexUnderTest, wal: TestWal) =>
  (await maintenance.logs()).logs.find(({ logId }) => logId === wal.logId)?.obstacle

const expiryOf = async ({ store }: IndexUnderTest, name: string): Promise<number | undefined> =>
  (await store.getMany([pcsIdOf(name)]))[0]?.expiresAtMs

describe('a log', () => {
  it('is retired when it is drained, nothing in it is unfinished, and its last mark is a TTL old', async () => {
    const [wal, other] = [await startTestWal(), await startTestWal()]
    acknowledge(wal, 'a')
    const test = await running([wal, other])
    const refused = async (sentence: RegExp): Promise<void> => {
      expect(await obstacleOf(test, wal)).toMatch(sentence)
      await expect(retire(test, wal)).rejects.toMatchObject({ code: 'superseded', message: sentence })
    }
    await refused(/let it drain/)
    wal.says = { draining: true, openCount: 1 }
    await refused(/1 submissions in it are open/)
    wal.says = { draining: true, deadLetterCount: 2 }
    await refused(/2 dead letters/)
    wal.says = { draining: true, quarantinedSegments: ['1.seg'] }
    await refused(/damaged/)
    wal.says = { draining: true }
    test.clock.nowMs = NOW_MS + TTL_MS - 1
    await refused(/counts until/)
    test.clock.nowMs = NOW_MS + TTL_MS
    const before = await test.answering()
    expect(await retire(test, wal)).toMatchObject({ retired: true, copied: 0 })
    expect(wal.retired).toBe(true)
    expect(await test.answering(before)).toBe(other.generation)
    expect(other.fencedLogs.retiredLogIds).toEqual([wal.logId])
    expect(await retire(test, wal)).toMatchObject({ retired: true })
  })

  it('is needed no more when it is retired: it is let go of, and a process that does not name it answers', async () => {
    const [wal, other] = [await startTestWal(), await startTestWal()]
    const test = await running([wal, other])
    wal.says = { draining: true }
    await retire(test, wal)
    await wal.down()
    expect(test.keeper.dependencies()).toEqual({ wal: { state: 'up' } })
    expect((await test.maintenance.logs()).logs).toMatchObject([
      { logId: other.logId, indexed: true, retired: false, reached: true },
      { logId: wal.logId, indexed: false, retired: true, address: '' },
    ])
    await test.stop()
    await running([other])
  })

  it('that is drained and gone from WAL_ADDR without that is missed, with a sentence', async () => {
    const [wal, other] = [await startTestWal(), await startTestWal()]
    const both = await running([wal, other])
    wal.says = { draining: true }
    await both.stop()
    const lacking = indexOver([other.address], { nowMs: NOW_MS })
    lacking.run()
    const refusal = expect.stringMatching(`lacks logs .*${wal.logId}.*retired before it goes`)
    await vi.waitFor(() => expect(lacking.availability()).toMatchObject({ answers: false, refusal }))
  })

  it('is retired at once when its marks are copied, and they count on in the other one as they did', async () => {
    const [wal, other] = [await startTestWal(), await startTestWal()]
    const names = ['a', 'b', 'c', 'd', 'e']
    for (const [index, name] of names.entries()) acknowledge(wal, name, NOW_MS - 1_000 * index)
    wal.append({ ...markOf(verdictOf('refused'), ''), status: 400, indexed: false, verdict: undefined })
    const test = await running([wal, other])
    wal.says = { draining: true }
    other.copiesToFail = 1
    expect(await retire(test, wal, other)).toMatchObject({ retired: true, copied: 5 })
    await test.stop()
    // As a store that was lost: filled from the logs that are left.
    const next = await running([other])
    for (const [index, name] of names.entries()) {
      expect(await expiryOf(next, name)).toBe(NOW_MS - 1_000 * index + TTL_MS)
    }
    expect(next.store.state().remembered).toBe(5)
  })

  it('that goes on while its marks are copied is read on, and only then retired', async () => {
    const [wal, other] = [await startTestWal(), await startTestWal()]
    acknowledge(wal, 'a')
    const test = await running([wal, other])
    wal.says = { draining: true }
    wal.onRetire = () => {
      wal.onRetire = undefined
      acknowledge(wal, 'late')
    }
    expect(await retire(test, wal, other)).toMatchObject({ retired: true, copied: 2 })
    await test.stop()
    expect(await expiryOf(await running([other]), 'late')).toBe(NOW_MS + TTL_MS)
  })

  it('is retired neither as the only one, nor into itself, nor into one that takes nothing, nor while one is away', async () => {
    const [wal, other] = [await startTestWal(), await startTestWal()]
    const alone = await running([wal])
    wal.says = { draining: true }
    await expect(retire(alone, wal)).rejects.toThrow('the only log')
    await alone.stop()
    const test = await running([wal, other])
    await expect(retire(test, wal, wal)).rejects.toMatchObject({ code: 'malformed' })
    other.says = { draining: true }
    await expect(retire(test, wal, other)).rejects.toThrow('refuses')
    await other.down()
    await expect(retire(test, wal)).rejects.toMatchObject({ code: 'unavailable' })
    expect(wal.retired).toBe(false)
    await expect(retire(test, await startTestWal())).rejects.toThrow()
  })

  it('whose disk was lost while no index ran is given up on request, and only if nobody can ask it', async () => {
    const [wal, other] = [await startTestWal(), await startTestWal()]
    const before = await running([wal, other])
    const giveUp = async ({ maintenance }: IndexUnderTest, logId: string): Promise<boolean> => {
      const request = { logId, copyToLogId: '', lost: true }
      let retired = false
      for await (const response of maintenance.retireLog(request, new AbortController().signal)) {
        retired = response.retired
      }
      return retired
    }
    await expect(giveUp(before, wal.logId)).rejects.toThrow('not lost')
    await expect(giveUp(before, 'f'.repeat(32))).rejects.toMatchObject({ code: 'malformed' })
    await before.stop()
    const lostId = wal.logId
    wal.replace()
    const test = indexOver([wal.address, other.address], { nowMs: NOW_MS })
    test.run()
    const refusal = expect.stringMatching(`lacks logs .*${lostId}.*--lost`)
    await vi.waitFor(() => expect(test.availability()).toMatchObject({ answers: false, refusal }))
    expect(await giveUp(test, lostId)).toBe(true)
    expect(await test.answering()).toBe(other.generation)
    expect(other.fencedLogs.retiredLogIds).toEqual([lostId])
  })

  it('is added while the process runs, once, and only if it fits', async () => {
    const [wal, further, strange] = [await startTestWal(), await startTestWal(), await startTestWal()]
    const test = await running([wal])
    const generation = await test.answering()
    strange.dedupTtlMs = 1
    const { maintenance } = test
    await expect(maintenance.addLog(strange.address)).rejects.toThrow('DEDUP_TTL')
    await expect(maintenance.addLog('nowhere')).rejects.toMatchObject({ code: 'malformed' })
    acknowledge(further, 'there')
    expect(await maintenance.addLog(further.address)).toBe(further.logId)
    expect(await maintenance.addLog(further.address)).toBe(further.logId)
    expect(await test.answering(generation)).toBe(further.generation)
    expect(await expiryOf(test, 'there')).toBe(NOW_MS + TTL_MS)
    expect((await maintenance.logs()).logs.map(({ indexed }) => indexed)).toEqual([true, true])
  })
})
