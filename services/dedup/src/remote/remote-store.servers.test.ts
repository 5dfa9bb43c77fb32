import { trusting } from '@fractal-lba/runtime'
import { type RedisServer, redisMissing, startRedis } from '@fractal-lba/test-servers'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { NO_LOGS } from '../index/log-set.js'
import type { IndexEntry } from '../store.js'
import { redisAt, redisServer, twoStores, up } from '../testing/remote-under-test.js'
import { entryOf, pcsIdOf, verdictOf } from '../testing/verdicts.js'
import { NEVER_MS, type RemoteServer } from './remote-server.js'
import { RemoteStore } from './remote-store.js'

const missing = await redisMissing()
if (missing !== undefined) it.skip(`a store that several processes share (${missing})`)

const idOf = (name: string): Buffer => Buffer.from(pcsIdOf(name), 'hex')

describe.skipIf(missing)('a store that several processes share', () => {
  let redis: RedisServer
  beforeAll(async () => {
    redis = await startRedis()
  }, 30_000)
  afterAll(() => redis.close())
  beforeEach(async () => {
    await redis.cli('flushall')
  })

  const two = async () => {
    const test = await twoStores((now) => redisServer(redisAt(redis.port), now))
    onTestFinished(() => test.close())
    const [one, other] = test.stores
    if (!other) throw new Error('two were made')
    return { one, other, ...test }
  }
  /** A handle on the bytes themselves. */
  const bytes = async (generation: string): Promise<RemoteServer> => {
    const server = await up(redisServer(redisAt(redis.port)))
    onTestFinished(() => server.close())
    await server.adopt(generation)
    return server
  }

  it('lets each process read what another one has written, by whatever keys and parameters', async () => {
    const { one, other, nowMs } = await two()
    const entries = ['a', 'b', 'c'].map((name, index): IndexEntry => {
      const verdict = verdictOf(name, { logId: `${index}${index}`.repeat(16) })
      return entryOf({ ...verdict, keyId: `key ${name}` }, nowMs() + 60_000)
    })
    const ids = entries.map(({ verdict }) => verdict.outcome.pcsId)
    await one.putManyIfAbsent(entries.slice(0, 2))
    expect(await other.getMany(ids)).toEqual([entries[0], entries[1], undefined])
    await other.putManyIfAbsent(entries)
    expect(await one.getMany(ids)).toEqual(entries)
  })

  it('counts by its own clock what the server still holds', async () => {
    const { one, other, nowMs, pass } = await two()
    const first = entryOf(verdictOf('a', { content: 'first' }), nowMs() + 1_000)
    await one.putManyIfAbsent([first])
    await pass(999)
    expect(await other.getMany([pcsIdOf('a')])).toEqual([first])
    await pass(1)
    expect(await other.getMany([pcsIdOf('a')])).toEqual([undefined])
    expect(await (await bytes(await one.filledGeneration())).read([idOf('a')])).toEqual([expect.any(Buffer)])
  })

  it('lets one of many win over an entry that has expired', async () => {
    const { one, other, nowMs, pass } = await two()
    await one.putManyIfAbsent([entryOf(verdictOf('a', { content: 'first life' }), nowMs() + 1_000)])
    await pass(1_000)
    const racers = Array.from({ length: 32 }, (_, racer) =>
      entryOf(verdictOf('a', { content: `racer ${racer}` }), nowMs() + 60_000),
    )
    const standing = await Promise.all(
      racers.map(async (entry, racer) => (await (racer % 2 === 0 ? one : other).putManyIfAbsent([entry]))[0]),
    )
    expect(standing.filter((winner, racer) => winner === racers[racer])).toHaveLength(1)
    expect(new Set(standing.map((winner) => winner?.verdict.fingerprint.toString('hex'))).size).toBe(1)
  })

  it('takes its own entry for its own, when the answer to an earlier try was lost', async () => {
    const { one, other, nowMs } = await two()
    const entry = entryOf(verdictOf('a'), nowMs() + 60_000)
    await one.putManyIfAbsent([entry])
    const again = { ...entry }
    expect((await other.putManyIfAbsent([again]))[0]).toBe(again)
  })

  it('does not let a mark of a life that is over hit the next one', async () => {
    const { one, nowMs, pass } = await two()
    const first = entryOf(verdictOf('a', { content: 'first life' }), nowMs() + 1_000)
    await one.putManyIfAbsent([first])
    await pass(1_000)
    const second = entryOf(verdictOf('a', { content: 'second life', sequence: 2 }), nowMs() + 60_000)
    await one.putManyIfAbsent([second])
    await one.overwriteMany([{ ...first, marked: true }])
    expect(await one.getMany([pcsIdOf('a')])).toEqual([second])
  })

  it('answers for nothing that it cannot read, unless nobody was told of it', async () => {
    const { one, nowMs } = await two()
    const entries = ['marked', 'unmarked'].map((name) => entryOf(verdictOf(name), nowMs() + 60_000))
    await one.putManyIfAbsent(entries)
    const server = await bytes(await one.filledGeneration())
    const values = await server.read([idOf('marked'), idOf('unmarked')])
    // As if the definition that they refer to had been lost, or a newer version had written them.
    const strange = values.map((value, index) => {
      const copy = Buffer.from(value ?? '')
      copy.fill(7, 7, 15)
      copy[0] = index === 0 ? 0x11 : 0x10
      return copy
    })
    const ids = [idOf('marked'), idOf('unmarked')]
    await server.set(
      ids.map((id, index) => ({ id, value: strange[index] ?? Buffer.alloc(0), expiresAtMs: NEVER_MS })),
    )
    await expect(one.getMany([pcsIdOf('marked')])).rejects.toThrow('cannot be read')
    await expect(one.putManyIfAbsent(entries.slice(0, 1))).rejects.toThrow('cannot be read')
    expect(await one.getMany([pcsIdOf('unmarked')])).toEqual([undefined])
    const [, unmarked] = entries
    if (!unmarked) throw new Error('two were made')
    expect(await one.putManyIfAbsent([unmarked])).toEqual([unmarked])
    // A fill writes what the mark says over both.
    await one.begin('another', NO_LOGS)
    expect(await one.getMany([pcsIdOf('marked')])).toEqual([undefined])
    const [marked] = entries
    if (!marked) throw new Error('two were made')
    await one.overwriteMany([{ ...marked, marked: true }])
    await one.complete()
    expect(await one.getMany([pcsIdOf('marked')])).toEqual([{ ...marked, marked: true }])
  })

  it('defines anew what it refers to after the store was emptied', async () => {
    const { one, other, nowMs } = await two()
    const entry = entryOf(verdictOf('a'), nowMs() + 60_000)
    await one.putManyIfAbsent([entry])
    await redis.cli('flushall')
    await expect(one.putManyIfAbsent([entry])).rejects.toThrow('emptied')
    await one.begin('next', NO_LOGS)
    await one.complete()
    await one.putManyIfAbsent([entry])
    const fresh = new RemoteStore(redisServer(redisAt(redis.port)), trusting(nowMs))
    onTestFinished(() => fresh.close())
    await up(fresh)
    await fresh.adopt('next')
    expect(await fresh.getMany([pcsIdOf('a')])).toEqual([entry])
    await expect(other.getMany([pcsIdOf('a')])).rejects.toThrow('another generation')
  })

  it('gives the claim to one process at a time', async () => {
    const { one, other } = await two()
    expect([await one.acquireLease(), await other.acquireLease(), await one.acquireLease()]).toEqual([
      true,
      false,
      true,
    ])
    await other.releaseLease()
    expect(await other.acquireLease()).toBe(false)
    await one.releaseLease()
    expect([await other.acquireLease(), await one.acquireLease()]).toEqual([true, false])
  })

  it('knows nothing before it has begun or adopted a generation, and adopts only the one that is there', async () => {
    const store = new RemoteStore(redisServer(redisAt(redis.port)), trusting(Date.now))
    onTestFinished(() => store.close())
    await up(store)
    await expect(store.getMany([pcsIdOf('a')])).rejects.toThrow('not been filled')
    expect(await store.filledGeneration()).toBe('')
    await expect(store.adopt('any')).rejects.toThrow('another generation')
    await store.begin('mine', NO_LOGS)
    expect(await store.filledGeneration()).toBe('')
    await expect(store.adopt('mine')).rejects.toThrow('another generation')
    await store.complete()
    expect(await store.filledGeneration()).toBe('mine')
  })

  it('lets nobody complete or go on with what another process has begun again', async () => {
    const { one, other } = await two()
    await one.begin('one', NO_LOGS)
    await other.begin('other', NO_LOGS)
    await expect(one.complete()).rejects.toThrow('another generation')
    await expect(one.setPosition('aa'.repeat(16), 5)).rejects.toThrow('another generation')
    await other.setPosition('aa'.repeat(16), 3)
    await other.complete()
    expect(await other.filledGeneration()).toBe('other')
    expect(await other.positions()).toEqual(new Map([['aa'.repeat(16), 3]]))
  })
})
