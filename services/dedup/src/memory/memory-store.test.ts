import { describe, expect, it, onTestFinished } from 'vitest'
import { describeStoreContract } from '../store.contract.js'
import { entryOf, pcsIdOf, verdictOf } from '../testing/verdicts.js'
import { MemoryStore, type MemoryStoreOptions } from './memory-store.js'

const START_MS = 1_800_000_000_123
const DAY_MS = 86_400_000

function storeWithClock(options: Partial<MemoryStoreOptions> = {}) {
  const clock = { nowMs: START_MS }
  const store = new MemoryStore({ idsMax: 1_000_000, ttlMs: 60_000, now: () => clock.nowMs, ...options })
  return { store, clock }
}

describeStoreContract(
  'memory',
  async ({ idsMax }) => {
    const { store, clock } = storeWithClock(idsMax === undefined ? {} : { idsMax })
    return {
      stores: [store],
      nowMs: () => clock.nowMs,
      pass: async (ms) => {
        clock.nowMs += ms
      },
      close: () => store.close(),
    }
  },
  { canBeFull: true },
)

describe('the memory store', () => {
  const opened = (options: Partial<MemoryStoreOptions> = {}) => {
    const made = storeWithClock(options)
    onTestFinished(() => made.store.close())
    return made
  }
  const put = (store: MemoryStore, names: readonly (string | number)[], expiresAtMs: number) =>
    store.putManyIfAbsent(names.map((name) => entryOf(verdictOf(name), expiresAtMs)))
  const present = async (store: MemoryStore, names: readonly (string | number)[]) =>
    (await store.getMany(names.map(pcsIdOf))).filter((entry) => entry !== undefined).length

  it('gives back the room of what has expired, a little with each put', async () => {
    const { store, clock } = opened({ ttlMs: DAY_MS })
    let sizeAfterOneTtlBytes = 0
    // Five lives of the TTL, 1,500 ids in each; none of them stands longer than its TTL.
    for (let step = 0; step < 500; step += 1) {
      const names = Array.from({ length: 15 }, (_, id) => `${step}/${id}`)
      await put(store, names, clock.nowMs + DAY_MS)
      clock.nowMs += DAY_MS / 100
      if (step === 110) sizeAfterOneTtlBytes = store.sizeBytes
      expect(store.state().remembered).toBeLessThanOrEqual(1_530)
    }
    expect(store.sizeBytes).toBeLessThanOrEqual(sizeAfterOneTtlBytes * 1.1)
  })

  it('passes a bounded number of records at once, however many have expired', async () => {
    const { store, clock } = opened()
    await put(store, [...Array(5_000).keys()], clock.nowMs + 1_000)
    clock.nowMs += 30_000
    await put(store, ['one'], clock.nowMs + 60_000)
    expect(store.state().remembered).toBe(4_999)
    expect(await present(store, [...Array(5_000).keys()])).toBe(0)
  })

  it('keeps what was renewed when the time comes at which it would have expired', async () => {
    const { store, clock } = opened()
    const names = [...Array(500).keys()]
    await put(store, names, clock.nowMs + 10_000)
    await store.renewUnmarked(names.map(pcsIdOf), clock.nowMs + 50_000)
    for (let step = 0; step < 49; step += 1) {
      clock.nowMs += 1_000
      await put(store, [`other ${step}`], clock.nowMs + 60_000)
      await put(
        store,
        Array.from({ length: 100 }, (_, id) => `more ${step}/${id}`),
        clock.nowMs + 100,
      )
    }
    expect(await present(store, names)).toBe(500)
    clock.nowMs += 1_000
    expect(await present(store, names)).toBe(0)
  })

  it('keeps an expiry that lies far beyond the TTL', async () => {
    const { store, clock } = opened({ ttlMs: 64_000 })
    const names = [...Array(100).keys()]
    await put(store, names, clock.nowMs + 100 * 64_000)
    for (let step = 0; step < 99; step += 1) {
      clock.nowMs += 64_000
      await put(
        store,
        Array.from({ length: 100 }, (_, id) => `more ${step}/${id}`),
        clock.nowMs + 100,
      )
    }
    expect(await present(store, names)).toBe(100)
  })

  it('finds every id through growth and removal, in any order', async () => {
    const { store, clock } = opened()
    const all = [...Array(20_000).keys()]
    for (let from = 0; from < all.length; from += 500) {
      await store.putManyIfAbsent(
        all
          .slice(from, from + 500)
          .map((id) => entryOf(verdictOf(id), clock.nowMs + (id % 3 === 0 ? 5_000 : 60_000))),
      )
    }
    clock.nowMs += 6_000
    for (let round = 0; round < 40; round += 1) {
      await put(
        store,
        Array.from({ length: 300 }, (_, id) => `new ${round}/${id}`),
        clock.nowMs + 60_000,
      )
    }
    expect(await present(store, all)).toBe(all.filter((id) => id % 3 !== 0).length)
    expect(
      await present(
        store,
        all.map((id) => `absent ${id}`),
      ),
    ).toBe(0)
    expect(
      await present(
        store,
        Array.from({ length: 300 }, (_, id) => `new 7/${id}`),
      ),
    ).toBe(300)
  })

  it('gives out verdicts that stay as they are when the room is used again', async () => {
    const { store, clock } = opened()
    const first = verdictOf('first')
    await store.putManyIfAbsent([entryOf(first, clock.nowMs + 1_000)])
    const [held] = await store.getMany([pcsIdOf('first')])
    for (let step = 0; step < 50; step += 1) {
      clock.nowMs += 2_000
      await put(
        store,
        Array.from({ length: 600 }, (_, id) => `${step}/${id}`),
        clock.nowMs + 1_000,
      )
    }
    expect(held?.verdict).toEqual(first)
  })

  it('tells parameters apart that go by the same hash', async () => {
    const { store, clock } = opened()
    const [a, b] = [verdictOf('a'), verdictOf('b')]
    const other = { ...b, parameters: { ...b.parameters, tolD: 0.2 } }
    await store.putManyIfAbsent([entryOf(a, clock.nowMs + 1_000), entryOf(other, clock.nowMs + 1_000)])
    const found = await store.getMany([pcsIdOf('a'), pcsIdOf('b')])
    expect(found.map((entry) => entry?.verdict)).toEqual([a, other])
  })

  it('goes on after a verdict that cannot be encoded', async () => {
    const { store, clock } = opened()
    const broken = { ...verdictOf('broken'), judgedAtMs: Number.NaN }
    await expect(store.putManyIfAbsent([entryOf(broken, clock.nowMs + 1_000)])).rejects.toThrow()
    const [put] = await store.putManyIfAbsent([entryOf(verdictOf('a'), clock.nowMs + 1_000)])
    expect(await store.getMany([pcsIdOf('a'), pcsIdOf('broken')])).toEqual([put, undefined])
  })

  it('refuses what is not an id', async () => {
    const { store } = opened()
    await expect(store.getMany(['xyz'])).rejects.toThrow('64 hex')
  })

  it('keeps an id in about 140 bytes', async () => {
    const { store, clock } = opened({ ttlMs: 14 * DAY_MS })
    for (let from = 0; from < 100_000; from += 1_000) {
      const batch = Array.from({ length: 1_000 }, (_, id) => {
        const { outcome, ...others } = verdictOf(from + id)
        const plain = { ...outcome, escalated: false, reason: undefined, message: undefined }
        return entryOf({ ...others, outcome: plain }, clock.nowMs + 14 * DAY_MS)
      })
      await store.putManyIfAbsent(batch)
    }
    expect(store.sizeBytes / 100_000).toBeLessThan(150)
  })
})
