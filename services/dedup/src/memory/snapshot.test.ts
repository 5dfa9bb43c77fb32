import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { entryOf, pcsIdOf, verdictOf } from '../testing/verdicts.js'
import { MemoryStore } from './memory-store.js'
import { readSnapshot, writeSnapshot } from './snapshot.js'

const START_MS = 1_800_000_000_000
const TTL_MS = 60_000

function setUp() {
  const directory = mkdtempSync(join(tmpdir(), 'dedup-snapshot-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  const clock = { nowMs: START_MS }
  const newStore = (): MemoryStore => {
    const store = new MemoryStore({ idsMax: 100_000, ttlMs: TTL_MS, now: () => clock.nowMs })
    onTestFinished(() => store.close())
    return store
  }
  return { path: join(directory, 'snapshot'), directory, clock, newStore }
}

async function putNames(store: MemoryStore, names: readonly (string | number)[], expiresAtMs: number) {
  await store.putManyIfAbsent(names.map((name) => entryOf(verdictOf(name), expiresAtMs)))
}

const range = (count: number): number[] => [...Array(count).keys()]

describe('a snapshot', () => {
  it('brings back every entry as it was, and the positions', async () => {
    const { path, clock, newStore } = setUp()
    const store = newStore()
    await putNames(store, range(3_000), clock.nowMs + 50_000)
    await store.overwriteMany(
      range(1_000).map((id) => entryOf(verdictOf(`m${id}`), clock.nowMs + 20_000 + id, true)),
    )
    await store.setPosition('aa', 12)
    await store.setPosition('bb', 2 ** 40)
    await writeSnapshot(path, store, TTL_MS)

    const restored = newStore()
    expect(await readSnapshot(path, restored, TTL_MS)).toEqual({ restored: true })
    const ids = [...range(3_000), ...range(1_000).map((id) => `m${id}`)].map(pcsIdOf)
    expect(await restored.getMany(ids)).toEqual(await store.getMany(ids))
    expect(restored.state().remembered).toBe(4_000)
    expect(await restored.positions()).toEqual(await store.positions())
    // What it holds goes on as before.
    const other = entryOf(verdictOf(1, { content: 'other' }), clock.nowMs + 1_000)
    expect((await restored.putManyIfAbsent([other]))[0]?.verdict).not.toEqual(other.verdict)
    await putNames(restored, ['new'], clock.nowMs + 1_000)
    clock.nowMs += 50_000
    expect(await restored.getMany(ids)).toEqual(ids.map(() => undefined))
  })

  it('leaves out what has expired since', async () => {
    const { path, clock, newStore } = setUp()
    const store = newStore()
    await putNames(store, ['brief'], clock.nowMs + 1_000)
    await putNames(store, ['lasting'], clock.nowMs + 2_000)
    await writeSnapshot(path, store, TTL_MS)
    clock.nowMs += 1_000
    const restored = newStore()
    await readSnapshot(path, restored, TTL_MS)
    expect(restored.state().remembered).toBe(1)
  })

  it('goes by the TTL of now: a shorter one ends entries sooner, a longer one needs the whole log', async () => {
    const { path, clock, newStore } = setUp()
    const store = newStore()
    await putNames(store, ['a'], clock.nowMs + 10_000)
    await putNames(store, ['b'], clock.nowMs + 40_000)
    await store.setPosition('aa', 12)
    await writeSnapshot(path, store, TTL_MS)

    const shorter = newStore()
    expect(await readSnapshot(path, shorter, TTL_MS - 20_000)).toEqual({ restored: true })
    const [a, b] = await shorter.getMany([pcsIdOf('a'), pcsIdOf('b')])
    expect(a).toBeUndefined()
    expect(b?.expiresAtMs).toBe(clock.nowMs + 20_000)

    const longer = newStore()
    expect(await readSnapshot(path, longer, TTL_MS + 1)).toMatchObject({ restored: false, why: /raised/ })
    expect([longer.state().remembered, (await longer.positions()).size]).toEqual([0, 0])
  })

  it('holds all that was there, whatever comes and goes while it is written', async () => {
    const { path, clock, newStore } = setUp()
    const store = newStore()
    // Slices of a second: of the first ones half is renewed and moves while the snapshot is under way.
    const names = range(8_000)
    for (const name of names) await putNames(store, [name], clock.nowMs + 1_000 + name)
    const renewed = names.filter((name) => name % 2 === 0)
    await store.renewUnmarked(renewed.map(pcsIdOf), clock.nowMs + 55_000)
    let position = 5
    await store.setPosition('aa', position)
    let positionAtFirstPage = 0
    const images = store.images.bind(store)
    store.images = function* () {
      positionAtFirstPage = position
      yield* images()
    }

    let writing = true
    const written = writeSnapshot(path, store, TTL_MS).finally(() => {
      writing = false
    })
    let turns = 0
    for (; writing; turns += 1) {
      clock.nowMs += 250
      await putNames(
        store,
        range(200).map((id) => `${turns}/${id}`),
        clock.nowMs + 3_000,
      )
      position += 1
      await store.setPosition('aa', position)
      await new Promise((resolve) => setImmediate(resolve))
    }
    await written
    expect(turns).toBeGreaterThan(5)

    const restored = newStore()
    expect(await readSnapshot(path, restored, TTL_MS)).toEqual({ restored: true })
    const lasting = renewed.map(pcsIdOf)
    const before = await store.getMany(lasting)
    expect(before.every((entry) => (entry === undefined) === clock.nowMs >= START_MS + 55_000)).toBe(true)
    expect(await restored.getMany(lasting)).toEqual(before)
    // The position is from before the first page: what was marked since is read from the log again.
    expect((await restored.positions()).get('aa')).toBeGreaterThanOrEqual(5)
    expect((await restored.positions()).get('aa')).toBeLessThanOrEqual(positionAtFirstPage)
    expect(positionAtFirstPage).toBeLessThan(position)
  })

  it('is the old one until the new one is complete', async () => {
    const { path, directory, clock, newStore } = setUp()
    const store = newStore()
    await putNames(store, ['old'], clock.nowMs + 10_000)
    await writeSnapshot(path, store, TTL_MS)
    // A crash before the rename leaves some of the new one under its temporary name.
    await putNames(store, range(2_000), clock.nowMs + 10_000)
    await writeSnapshot(`${path}.other`, store, TTL_MS)
    writeFileSync(`${path}.tmp`, readFileSync(`${path}.other`).subarray(0, 100_000))
    rmSync(`${path}.other`)

    const restored = newStore()
    expect(await readSnapshot(path, restored, TTL_MS)).toEqual({ restored: true })
    expect(restored.state().remembered).toBe(1)
    await writeSnapshot(path, store, TTL_MS)
    expect(readdirSync(directory)).toEqual(['snapshot'])
    const again = newStore()
    await readSnapshot(path, again, TTL_MS)
    expect(again.state().remembered).toBe(2_001)
  })

  it('keeps the old one when the new one cannot be written', async () => {
    const { path, clock, newStore } = setUp()
    const store = newStore()
    await putNames(store, ['old'], clock.nowMs + 10_000)
    await writeSnapshot(path, store, TTL_MS)
    const broken = Object.assign(newStore(), {
      images: () => {
        throw new Error('no')
      },
    })
    await expect(writeSnapshot(path, broken, TTL_MS)).rejects.toThrow('no')
    expect(await readSnapshot(path, newStore(), TTL_MS)).toEqual({ restored: true })
  })

  it('that is not there is no damage', async () => {
    const { path, newStore } = setUp()
    expect(await readSnapshot(path, newStore(), TTL_MS)).toEqual({ restored: false, why: 'missing' })
  })

  describe('that is damaged is ignored as a whole', () => {
    async function damaged(damage: (path: string, sizeBytes: number) => void) {
      const { path, clock, newStore } = setUp()
      const store = newStore()
      await putNames(store, range(1_500), clock.nowMs + 10_000)
      await store.setPosition('aa', 12)
      await writeSnapshot(path, store, TTL_MS)
      damage(path, statSync(path).size)
      const restored = newStore()
      const result = await readSnapshot(path, restored, TTL_MS)
      const left = [restored.state().remembered, (await restored.positions()).size]
      // The store is as good as new.
      const entry = entryOf(verdictOf('a'), clock.nowMs + 10_000)
      await restored.putManyIfAbsent([entry])
      expect(await restored.getMany([pcsIdOf('a')])).toEqual([entry])
      return { result, left }
    }
    const flip = (at: (sizeBytes: number) => number) => (path: string, sizeBytes: number) => {
      const bytes = readFileSync(path)
      const offset = at(sizeBytes)
      bytes[offset] = (bytes[offset] ?? 0) ^ 0x10
      writeFileSync(path, bytes)
    }
    it.each<[string, (path: string, sizeBytes: number) => void]>([
      ['empty', (path) => truncateSync(path, 0)],
      ['cut in its first frame', (path) => truncateSync(path, 7)],
      ['cut in the middle', (path, sizeBytes) => truncateSync(path, sizeBytes >> 1)],
      ['cut before its trailer', (path, sizeBytes) => truncateSync(path, sizeBytes - 400)],
      ['cut by one byte', (path, sizeBytes) => truncateSync(path, sizeBytes - 1)],
      ['longer than it was', (path) => writeFileSync(path, 'x', { flag: 'a' })],
      ['something else', (path) => writeFileSync(path, '{"ids": []}'.repeat(100))],
      ['flipped in the kind of the first frame', flip(() => 0)],
      ['flipped in a length', flip(() => 7)],
      ['flipped in a checksum', flip(() => 9)],
      ['flipped in the header', flip(() => 40)],
      ['flipped in a record', flip(() => 50_000)],
      ['flipped in another record', flip((sizeBytes) => sizeBytes >> 1)],
      ['flipped in the trailer', flip((sizeBytes) => sizeBytes - 3)],
    ])('%s', async (_, damage) => {
      const { result, left } = await damaged(damage)
      expect(result.restored).toBe(false)
      expect(left).toEqual([0, 0])
    })
  })
})
