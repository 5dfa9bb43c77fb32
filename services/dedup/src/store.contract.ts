import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { IndexEntry, Store } from './store.js'
import { entryOf, pcsIdOf, randomName, verdictOf } from './testing/verdicts.js'

/** What the suite needs of a store under test. */
export interface StoreUnderTest {
  /** Several handles on one store, as several processes would have; one handle where there can be only one. */
  readonly stores: readonly [Store, ...Store[]]
  nowMs(): number
  /** Moves the clock that the store goes by: an injected one is set, a real one waited for. */
  pass(ms: number): Promise<void>
  close(): Promise<void>
}

export interface StoreOptions {
  /** How many ids the store may hold; undefined: as many as it likes. */
  readonly idsMax?: number
}

/** What every store must do, whatever is behind it (store.ts). */
export function describeStoreContract(
  name: string,
  makeStore: (options: StoreOptions) => Promise<StoreUnderTest>,
  { canBeFull }: { readonly canBeFull: boolean },
): void {
  describe(`${name}: the contract of a store`, () => {
    let test: StoreUnderTest
    let store: Store
    const soon = (ms: number): number => test.nowMs() + ms
    const entry = (id: string | number, ttlMs = 60_000, content = 'content'): IndexEntry =>
      entryOf(verdictOf(id, { content, judgedAtMs: test.nowMs() }), soon(ttlMs))
    const get = async (...ids: (string | number)[]): Promise<(IndexEntry | undefined)[]> =>
      store.getMany(ids.map(pcsIdOf))
    const open = async (options: StoreOptions): Promise<void> => {
      test = await makeStore(options)
      store = test.stores[0]
    }
    beforeEach(() => open({}))
    afterEach(() => test.close())

    it('gives back every part of what was put', async () => {
      const full = entry('full')
      const { outcome, ...others } = verdictOf('bare')
      const bare = { ...others, outcome: { ...outcome, accepted: false, escalated: false } }
      const absent = { reason: undefined, message: undefined, regime: undefined }
      const numberless = { recomputedDHat: undefined, recomputedBudget: undefined }
      const sparse = entryOf({ ...bare, outcome: { ...bare.outcome, ...absent, ...numberless } }, soon(1_000))
      const zero = entryOf(
        {
          ...others,
          outcome: { ...outcome, pcsId: pcsIdOf('zero'), recomputedDHat: 0, recomputedBudget: -0.5 },
        },
        soon(1_000),
      )
      await store.putManyIfAbsent([full, sparse, zero])
      expect(await get('full', 'bare', 'zero')).toEqual([full, sparse, zero])
    })

    it('answers in the order of the question, with nothing for what it does not have', async () => {
      const [a, b] = [entry('a'), entry('b')]
      await store.putManyIfAbsent([a, b])
      expect(await get('b', 'x', 'a', 'b')).toEqual([b, undefined, a, b])
      expect(await store.getMany([])).toEqual([])
      expect(await store.putManyIfAbsent([])).toEqual([])
    })

    it('keeps the first write, and gives back the very object that was put', async () => {
      const [first, second] = [entry('a', 60_000, 'first'), entry('a', 90_000, 'second')]
      expect((await store.putManyIfAbsent([first]))[0]).toBe(first)
      const [standing] = await store.putManyIfAbsent([second])
      expect(standing).toEqual(first)
      expect(standing).not.toBe(second)
      expect(await get('a')).toEqual([first])
    })

    it('lets the first of several with one id in a batch win', async () => {
      const batch = [entry('a', 60_000, '1'), entry('b'), entry('a', 60_000, '2'), entry('a', 60_000, '3')]
      const standing = await store.putManyIfAbsent(batch)
      expect(standing).toEqual([batch[0], batch[1], batch[0], batch[0]])
      expect(standing[0]).toBe(batch[0])
      expect(standing[2]).not.toBe(batch[2])
      expect(await get('a')).toEqual([batch[0]])
    })

    it('lets one of many racing puts win, and gives all of them its verdict', async () => {
      const racers = Array.from({ length: 64 }, (_, racer) => [
        entry(`${racer}`),
        entry('contested', 60_000, `racer ${racer}`),
      ])
      const stores = test.stores
      const standing = await Promise.all(
        racers.map(
          async (batch, racer) => (await stores[racer % stores.length]?.putManyIfAbsent(batch))?.[1],
        ),
      )
      expect(standing.filter((winner, racer) => winner === racers[racer]?.[1])).toHaveLength(1)
      expect(new Set(standing.map((winner) => winner?.verdict.fingerprint.toString('hex'))).size).toBe(1)
      expect(await get('contested')).toEqual([standing[0]])
      expect((await get(...racers.keys())).every((found) => found !== undefined)).toBe(true)
    })

    it('forgets at its moment, not before it, and lets the id be written again', async () => {
      const [brief, lasting] = [entry('brief', 2_000, 'one'), entry('lasting', 60_000)]
      await store.putManyIfAbsent([brief, lasting])
      await test.pass(1_000)
      expect(await get('brief')).toEqual([brief])
      expect((await store.putManyIfAbsent([entry('brief', 60_000, 'two')]))[0]).toEqual(brief)
      await test.pass(1_000)
      expect(await get('brief', 'lasting')).toEqual([undefined, lasting])
      const again = entry('brief', 60_000, 'three')
      expect((await store.putManyIfAbsent([again]))[0]).toBe(again)
      await test.pass(5_000)
      expect(await get('brief', 'lasting')).toEqual([again, lasting])
    })

    it('confirms the verdict that stands, which then expires at the earliest time that a mark gives', async () => {
      const [first, other] = [entry('a', 60_000, 'first'), entry('a', 60_000, 'other')]
      const marked = (ttlMs: number): IndexEntry => ({ ...first, expiresAtMs: soon(ttlMs), marked: true })
      await store.putManyIfAbsent([first])
      expect(
        await store.confirmMany([other, entry('absent'), marked(70_000), marked(65_000), marked(80_000)]),
      ).toEqual([false, false, true, true, true])
      expect(await get('a')).toEqual([marked(65_000)])
      expect(await store.confirmMany([marked(2_000)])).toEqual([true])
      await test.pass(2_000)
      expect(await get('a')).toEqual([undefined])
      expect(await store.confirmMany([marked(60_000)])).toEqual([false])
    })

    it('confirms to the last part of a verdict', async () => {
      const standing = entry('a')
      const { verdict } = standing
      const altered: IndexEntry['verdict'][] = [
        { ...verdict, outcome: { ...verdict.outcome, accepted: false } },
        { ...verdict, outcome: { ...verdict.outcome, recomputedBudget: undefined } },
        { ...verdict, outcome: { ...verdict.outcome, params: 'other' } },
        { ...verdict, keyId: 'other' },
        { ...verdict, parameters: { ...verdict.parameters, gamma: 0.3 } },
        { ...verdict, judgedAtMs: verdict.judgedAtMs + 1 },
        { ...verdict, origin: { ...verdict.origin, sequence: 99 } },
        { ...verdict, origin: { ...verdict.origin, logId: 'cc'.repeat(16) } },
      ]
      await store.putManyIfAbsent([standing])
      const marks = [...altered, verdict].map((mark) => entryOf(mark, soon(60_000), true))
      expect(await store.confirmMany(marks)).toEqual([...altered.map(() => false), true])
    })

    it('removes what is confirmed by a mark that has expired', async () => {
      const standing = entry('a')
      await store.putManyIfAbsent([standing])
      expect(await store.confirmMany([{ ...standing, expiresAtMs: test.nowMs(), marked: true }])).toEqual([
        true,
      ])
      expect(await get('a')).toEqual([undefined])
    })

    it('overwrites whatever stood there, and takes over expiry and mark', async () => {
      await store.putManyIfAbsent([entry('a', 5_000, 'mine'), entry('b', 5_000)])
      const marks = [
        { ...entry('a', 3_000, 'from the mark'), marked: true },
        { ...entry('b', 30_000), marked: true },
        { ...entry('new', 3_000), marked: true },
      ]
      await store.overwriteMany(marks)
      expect(await get('a', 'b', 'new')).toEqual(marks)
      await test.pass(3_000)
      expect(await get('a', 'b', 'new')).toEqual([undefined, marks[1], undefined])
    })

    it('takes the last of several with one id when it overwrites', async () => {
      const [first, last] = [entry('a', 60_000, 'first'), entry('a', 60_000, 'last')]
      await store.overwriteMany([first, last])
      expect(await get('a')).toEqual([last])
    })

    it('removes what is overwritten by something that has expired', async () => {
      await store.putManyIfAbsent([entry('a'), entry('b')])
      await store.overwriteMany([{ ...entry('a'), expiresAtMs: test.nowMs() }, entryOf(verdictOf('c'), 0)])
      expect((await get('a', 'b', 'c')).map((found) => found !== undefined)).toEqual([false, true, false])
    })

    it('renews what has no mark yet, and nothing else', async () => {
      const [open, done, gone] = [
        entry('open', 2_000),
        { ...entry('done', 2_000), marked: true },
        entry('gone', 1_000),
      ]
      await store.putManyIfAbsent([open, gone])
      await store.overwriteMany([done])
      await test.pass(1_000)
      const until = soon(30_000)
      await store.renewUnmarked(['open', 'done', 'gone', 'never'].map(pcsIdOf), until)
      expect(await get('open', 'done', 'gone', 'never')).toEqual([
        { ...open, expiresAtMs: until },
        done,
        undefined,
        undefined,
      ])
      await test.pass(1_000)
      expect((await get('open', 'done')).map((found) => found !== undefined)).toEqual([true, false])
    })

    it('takes large batches', async () => {
      const batch = Array.from({ length: 5_000 }, (_, id) => entry(id))
      expect(await store.putManyIfAbsent(batch)).toEqual(batch)
      const found = await store.getMany(batch.map(({ verdict }) => verdict.outcome.pcsId))
      expect(found).toEqual(batch)
      expect(store.state().remembered).toBeGreaterThanOrEqual(canBeFull ? 5_000 : 0)
    })

    it('remembers up to which position of which log it has the marks', async () => {
      expect([...(await store.positions())]).toEqual([])
      const [one, two] = [randomName(), randomName()]
      await store.setPosition(one, 17)
      await store.setPosition(two, 2 ** 40)
      await store.setPosition(one, 18)
      expect(await store.positions()).toEqual(
        new Map([
          [one, 18],
          [two, 2 ** 40],
        ]),
      )
    })

    it('refuses new ids when it is full, answers for the others, and forgets nobody', async (context) => {
      if (!canBeFull)
        context.skip('it has no limit of ids of its own: its server has, and that is one of its faults')
      await test.close()
      await open({ idsMax: 3 })
      const known = [entry('a', 2_000), entry('b', 60_000), entry('c', 60_000)]
      expect(store.state().refusal).toBeUndefined()
      await store.putManyIfAbsent(known)
      expect(store.state().refusal).toMatch(/=3 ids; raise it or use DEDUP_BACKEND=/)

      expect(await store.putManyIfAbsent([entry('d'), entry('b', 60_000, 'other')])).toEqual([
        undefined,
        known[1],
      ])
      expect(await get('a', 'b', 'c', 'd')).toEqual([...known, undefined])

      const mark = { ...entry('from a mark'), marked: true }
      await store.overwriteMany([mark])
      expect(await get('a', 'from a mark')).toEqual([known[0], mark])

      await test.pass(2_000)
      const late = entry('late')
      expect(await store.putManyIfAbsent([late])).toEqual([undefined])
      await store.overwriteMany([{ ...mark, expiresAtMs: test.nowMs() }])
      expect((await store.putManyIfAbsent([late]))[0]).toBe(late)
    })
  })
}
