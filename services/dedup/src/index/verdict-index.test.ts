import { dedup } from '@fractal-lba/proto'
import { AppError } from '@fractal-lba/runtime'
import { describe, expect, it, onTestFinished } from 'vitest'
import { MemoryStore } from '../memory/memory-store.js'
import type { StoredVerdict } from '../store.js'
import { entryOf, pcsIdOf, verdictOf } from '../testing/verdicts.js'
import type { Availability } from './index-keeper.js'
import { type Lookup, VerdictIndex } from './verdict-index.js'

const { FINDING_ABSENT, FINDING_CONFLICT, FINDING_DUPLICATE, FINDING_OWN } = dedup.Finding
const TTL_MS = 60_000

function setUp(idsMax = 100) {
  const clock = { nowMs: 1_800_000_000_000 }
  const now = (): number => clock.nowMs
  const store = new MemoryStore({ idsMax, ttlMs: TTL_MS, now })
  onTestFinished(() => store.close())
  const state: { availability: Availability } = { availability: { answers: true, generation: 'g1' } }
  const index = new VerdictIndex(store, TTL_MS, now, () => state.availability)
  return { clock, store, state, index }
}

const asks = ({ outcome, fingerprint, origin }: StoredVerdict): Lookup => ({
  pcsId: outcome.pcsId,
  fingerprint,
  origin,
})
const first = verdictOf('a', { content: 'x', sequence: 1 })
const same = verdictOf('a', { content: 'x', sequence: 2 })
const other = verdictOf('a', { content: 'y', sequence: 3 })

describe('the index', () => {
  it('finds nothing, its own, a duplicate or a conflict, with the verdict that stands', async () => {
    const { index } = setUp()
    expect(await index.lookupMany([asks(first)])).toEqual([
      { finding: FINDING_ABSENT, verdict: undefined, generation: 'g1' },
    ])
    await index.putManyIfAbsent([first])
    expect(await index.lookupMany([asks(first), asks(same), asks(other), asks(verdictOf('b'))])).toEqual([
      { finding: FINDING_OWN, verdict: first, generation: 'g1' },
      { finding: FINDING_DUPLICATE, verdict: first, generation: 'g1' },
      { finding: FINDING_CONFLICT, verdict: first, generation: 'g1' },
      { finding: FINDING_ABSENT, verdict: undefined, generation: 'g1' },
    ])
    expect(await index.get(pcsIdOf('a'))).toEqual(first)
    expect(await index.get(pcsIdOf('b'))).toBeUndefined()
  })

  it('lets the first put win, also within a batch, and knows a second try at the same entry', async () => {
    const { index } = setUp()
    const rejudged = { ...first, judgedAtMs: first.judgedAtMs + 5 }
    expect(await index.putManyIfAbsent([first, same, other, rejudged])).toEqual([
      { finding: FINDING_OWN, verdict: first, generation: 'g1' },
      { finding: FINDING_DUPLICATE, verdict: first, generation: 'g1' },
      { finding: FINDING_CONFLICT, verdict: first, generation: 'g1' },
      { finding: FINDING_OWN, verdict: first, generation: 'g1' },
    ])
    expect(await index.putManyIfAbsent([rejudged])).toMatchObject([{ finding: FINDING_OWN, verdict: first }])
  })

  it('answers with the generation of before the look-up, so that a mark from an older index is refused', async () => {
    const { index, state, store } = setUp()
    const getMany = store.getMany.bind(store)
    const putManyIfAbsent = store.putManyIfAbsent.bind(store)
    store.getMany = async (pcsIds) => {
      const found = await getMany(pcsIds)
      state.availability = { answers: true, generation: 'g2' }
      return found
    }
    store.putManyIfAbsent = async (entries) => {
      const standing = await putManyIfAbsent(entries)
      state.availability = { answers: true, generation: 'g3' }
      return standing
    }
    expect(await index.lookupMany([asks(first)])).toMatchObject([{ generation: 'g1' }])
    expect(await index.putManyIfAbsent([first])).toMatchObject([{ generation: 'g2' }])
  })

  it('keeps what it has put for the TTL at least, and for little longer', async () => {
    const { index, clock } = setUp()
    await index.putManyIfAbsent([first])
    clock.nowMs += TTL_MS
    expect(await index.lookupMany([asks(same)])).toMatchObject([{ finding: FINDING_DUPLICATE }])
    clock.nowMs += 5_000
    expect(await index.lookupMany([asks(same)])).toMatchObject([{ finding: FINDING_ABSENT }])
  })

  it.each<[string, (index: VerdictIndex) => Promise<unknown>]>([
    ['look-up', (index) => index.lookupMany([asks(first)])],
    ['put', (index) => index.putManyIfAbsent([first])],
  ])(
    'lets the time begin again when its own entry comes back by a %s before its first mark',
    async (_, again) => {
      const { index, clock } = setUp()
      await index.putManyIfAbsent([first])
      clock.nowMs += TTL_MS - 1
      await again(index)
      clock.nowMs += TTL_MS - 1
      expect(await index.get(pcsIdOf('a'))).toEqual(first)
      clock.nowMs += 5_001
      expect(await index.get(pcsIdOf('a'))).toBeUndefined()
    },
  )

  it('does not let the time begin again for others, nor after the first mark', async () => {
    const { index, store, clock } = setUp()
    await index.putManyIfAbsent([first])
    await store.overwriteMany([entryOf(verdictOf('b'), clock.nowMs + TTL_MS, true)])
    clock.nowMs += TTL_MS - 1
    await index.lookupMany([asks(same), asks(other), asks(verdictOf('b'))])
    await index.putManyIfAbsent([same, other, verdictOf('b')])
    clock.nowMs += 1
    expect(await index.get(pcsIdOf('b'))).toBeUndefined()
    clock.nowMs += 5_000
    expect(await index.get(pcsIdOf('a'))).toBeUndefined()
  })

  it('refuses a new id by a sentence that names the way out when the store is full', async () => {
    const { index } = setUp(1)
    expect(index.refusal).toBeUndefined()
    const [own, full, duplicate] = await index.putManyIfAbsent([first, verdictOf('b'), same])
    expect(own).toMatchObject({ finding: FINDING_OWN })
    expect(duplicate).toMatchObject({ finding: FINDING_DUPLICATE, verdict: first })
    expect(full).toBeInstanceOf(AppError)
    expect(full).toMatchObject({
      code: 'unavailable',
      message:
        'the memory store holds DEDUP_MEMORY_MAX=1 ids; raise it or use DEDUP_BACKEND=redis or postgres',
    })
    expect(index.refusal).toContain('DEDUP_MEMORY_MAX=1')
    expect(await index.lookupMany([asks(same)])).toMatchObject([{ finding: FINDING_DUPLICATE }])
  })

  it('answers nothing at all before it is filled', async () => {
    const { index, state } = setUp()
    await index.putManyIfAbsent([first])
    state.availability = { answers: false, refusal: 'being filled' }
    const refused = { code: 'unavailable', message: 'being filled' }
    await expect(index.lookupMany([asks(first)])).rejects.toMatchObject(refused)
    await expect(index.putManyIfAbsent([first])).rejects.toMatchObject(refused)
    await expect(index.get(pcsIdOf('a'))).rejects.toMatchObject(refused)
    expect(index.refusal).toBe('being filled')
  })
})
