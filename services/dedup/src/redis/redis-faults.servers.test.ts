import { readFileSync } from 'node:fs'
import { trusting } from '@fractal-lba/runtime'
import {
  freePort,
  makeCertificates,
  type RedisOptions,
  type RedisServer,
  redisMissing,
  startRedis,
} from '@fractal-lba/test-servers'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { NO_LOGS } from '../index/log-set.js'
import { RemoteStore } from '../remote/remote-store.js'
import type { IndexEntry } from '../store.js'
import { redisAt, redisServer, up } from '../testing/remote-under-test.js'
import { entryOf, pcsIdOf, verdictOf } from '../testing/verdicts.js'
import type { RedisConfig } from './redis-config.js'

const missing = await redisMissing()
if (missing !== undefined) it.skip(`faults of Redis (${missing})`)

const DAY_MS = 86_400_000
const entry = (name: string | number): IndexEntry => entryOf(verdictOf(name), Date.now() + DAY_MS)

async function started(options: RedisOptions = {}): Promise<RedisServer> {
  const redis = await startRedis(options)
  onTestFinished(() => redis.close())
  return redis
}

function connected(config: RedisConfig, now: () => number = Date.now): RemoteStore {
  const store = new RemoteStore(redisServer(config, now), trusting(now))
  onTestFinished(() => store.close())
  return store
}

async function filled(config: RedisConfig, now?: () => number): Promise<RemoteStore> {
  const store = await up(connected(config, now))
  await store.begin('generation', NO_LOGS)
  await store.complete()
  return store
}

const refusing = (store: RemoteStore, sentence: RegExp): Promise<void> =>
  vi.waitFor(() => expect(store.state()).toMatchObject({ refusal: expect.stringMatching(sentence) }), {
    timeout: 10_000,
  })

describe.skipIf(missing)('Redis', () => {
  it('refuses when its memory is full, forgets nobody, and takes more when it has room', async () => {
    const redis = await started()
    const store = await filled(redisAt(redis.port))
    const used = Number(/used_memory:(\d+)/.exec(await redis.cli('info', 'memory'))?.[1])
    await redis.cli('config', 'set', 'maxmemory', String(used + 500_000))
    const put: IndexEntry[] = []
    let refused: IndexEntry[] = []
    for (let from = 0; refused.length === 0; from += 100) {
      const batch = Array.from({ length: 100 }, (_, index) => entry(from + index))
      const standing = await store.putManyIfAbsent(batch)
      put.push(...batch.filter((_, index) => standing[index] !== undefined))
      refused = batch.filter((_, index) => standing[index] === undefined)
    }
    expect(store.state()).toMatchObject({ up: true, refusal: expect.stringContaining('maxmemory') })
    // Those that are there are answered for, also by a put.
    expect(await store.getMany(put.map(({ verdict }) => verdict.outcome.pcsId))).toEqual(put)
    const twin = entryOf(verdictOf(0, { content: 'other' }), Date.now() + DAY_MS)
    expect(await store.putManyIfAbsent([twin, ...refused])).toEqual([put[0], ...refused.map(() => undefined)])
    await expect(store.setPosition('aa'.repeat(16), 1)).rejects.toMatchObject({ code: 'unavailable' })

    await redis.cli('config', 'set', 'maxmemory', '0')
    expect(await store.putManyIfAbsent(refused)).toEqual(refused)
    await vi.waitFor(() => expect(store.state().refusal).toBeUndefined(), { timeout: 5_000 })
  })

  it('is refused while it forgets ids by itself, unless that is accepted by name', async () => {
    const redis = await started({ config: { 'maxmemory-policy': 'allkeys-lru' } })
    const store = connected(redisAt(redis.port))
    await refusing(store, /maxmemory-policy allkeys-lru.*noeviction.*REDIS_ALLOW_EVICTION=true/)
    expect(store.state().up).toBe(false)
    await up(connected(redisAt(redis.port, { allowEviction: true })))
    await redis.cli('config', 'set', 'maxmemory-policy', 'noeviction')
    await up(store)
    await redis.cli('config', 'set', 'maxmemory-policy', 'volatile-ttl')
    await refusing(store, /volatile-ttl/)
    await expect(store.getMany([pcsIdOf('a')])).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('is not used as a replica, nor any more when it becomes one', async () => {
    const [master, redis] = [await started(), await started()]
    const store = await filled(redisAt(redis.port))
    await store.putManyIfAbsent([entry('a')])
    await redis.cli('replicaof', master.host, String(master.port))
    await expect(store.putManyIfAbsent([entry('b')])).rejects.toMatchObject({ code: 'unavailable' })
    await refusing(store, /replica/)
    // Its data are the other one's now, also when it is a master again.
    await vi.waitFor(
      async () => expect(await redis.cli('info', 'replication')).toContain('master_link_status:up'),
      {
        timeout: 10_000,
      },
    )
    await redis.cli('replicaof', 'no', 'one')
    await up(store)
    await expect(store.getMany([pcsIdOf('a')])).rejects.toThrow(/emptied|failed over/)
    expect(await store.filledGeneration()).toBe('')
  })

  it('is not believed after it was a replica for a moment, whatever it holds', async () => {
    const redis = await started()
    const follower = await started({ config: { replicaof: `127.0.0.1 ${redis.port}` } })
    const store = await filled(redisAt(redis.port))
    await vi.waitFor(async () => expect(await follower.cli('exists', 'flk:marker')).toBe('1\n'), {
      timeout: 10_000,
    })
    const behind = await up(connected(redisAt(redis.port)))
    await behind.adopt('generation')
    await redis.cli('replicaof', follower.host, String(follower.port))
    await redis.cli('replicaof', 'no', 'one')
    // The marker is there, of the right generation; the connection may never have noticed.
    await vi.waitFor(
      async () => {
        await expect(behind.getMany([pcsIdOf('a')])).rejects.toThrow(/failed over/)
        await expect(store.getMany([pcsIdOf('a')])).rejects.toThrow(/failed over/)
      },
      { timeout: 10_000, interval: 50 },
    )
    expect(await store.filledGeneration()).toBe('')
  })

  it('refuses writes without enough replicas, by its own setting or by REDIS_MIN_REPLICAS', async () => {
    const redis = await started()
    const replica = await started({ config: { replicaof: `127.0.0.1 ${redis.port}` } })
    await vi.waitFor(
      async () => expect(await redis.cli('info', 'replication')).toMatch(/slave0:.*state=online/),
      { timeout: 15_000, interval: 50 },
    )
    const store = await filled(redisAt(redis.port))
    const strict = await up(connected(redisAt(redis.port, { replicasMin: 1 })))
    const stricter = await up(connected(redisAt(redis.port, { replicasMin: 2 })))
    for (const one of [strict, stricter]) await one.adopt('generation')
    await strict.putManyIfAbsent([entry('a')])
    expect(stricter.state().refusal).toContain('REDIS_MIN_REPLICAS=2')
    await expect(stricter.putManyIfAbsent([entry('b')])).rejects.toThrow('REDIS_MIN_REPLICAS=2')
    await redis.cli('config', 'set', 'min-replicas-to-write', '2')
    await expect(store.putManyIfAbsent([entry('c')])).rejects.toThrow('min-replicas-to-write')
    expect(await store.getMany(['a', 'c'].map(pcsIdOf))).toEqual([expect.anything(), undefined])
    await redis.cli('config', 'set', 'min-replicas-to-write', '0')
    await store.putManyIfAbsent([entry('c')])
    await replica.kill()
    await vi.waitFor(
      async () => await expect(strict.putManyIfAbsent([entry('d')])).rejects.toThrow('REDIS_MIN_REPLICAS=1'),
      { timeout: 30_000 },
    )
  })

  it('lets in by user and password, and never tells them', async () => {
    const redis = await started()
    await redis.cli('acl', 'setuser', 'dedup', 'on', '>s3cret', '~flk:*', '+@all')
    await redis.cli('config', 'set', 'requirepass', 'other')
    const access = { username: 'dedup', password: 's3cret', database: 0, tls: undefined }
    const store = await filled(redisAt(redis.port, { access }))
    await store.putManyIfAbsent([entry('a')])
    await filled(redisAt(redis.port, { access: { ...access, username: undefined, password: 'other' } }))
    const wrong = connected(redisAt(redis.port, { access: { ...access, password: 'wr0ng' } }))
    const none = connected(redisAt(redis.port))
    await Promise.all([refusing(wrong, /reached|let/), refusing(none, /let/)])
    expect(JSON.stringify([wrong.state(), none.state()])).not.toContain('wr0ng')
  })

  it('speaks TLS, and is asked for a certificate of the right authority', async () => {
    const certificates = await makeCertificates('127.0.0.1')
    onTestFinished(() => certificates.remove())
    const { ca, cert, key } = certificates
    const port = await freePort()
    await started({
      port,
      config: {
        ...{ port: '0', 'tls-port': String(port) },
        ...{ 'tls-cert-file': cert, 'tls-key-file': key, 'tls-ca-cert-file': ca, 'tls-auth-clients': 'no' },
      },
    })
    const access = { username: undefined, password: undefined, database: 0 }
    const trusted = { ca: readFileSync(ca, 'utf8') }
    const store = await filled(redisAt(port, { access: { ...access, tls: trusted } }))
    expect(await store.putManyIfAbsent([entry('a')])).toHaveLength(1)
    const distrusting = connected(redisAt(port, { access: { ...access, tls: {} } }))
    await refusing(distrusting, /cannot be reached/)
    const plain = connected(redisAt(port))
    await refusing(plain, /cannot be reached/)
  })

  it('is kept in the database that is named, apart from others', async () => {
    const redis = await started()
    const access = { username: undefined, password: undefined, database: 3, tls: undefined }
    const store = await filled(redisAt(redis.port, { access }))
    await store.putManyIfAbsent([entry('a')])
    expect(await redis.cli('dbsize')).toBe('0\n')
    expect(Number(await redis.cli('-n', '3', 'dbsize'))).toBeGreaterThan(1)
    const beyond = connected(redisAt(redis.port, { access: { ...access, database: 99 } }))
    await refusing(beyond, /refuses/)
  })

  it('comes back by itself when it takes no further connection for a while', async () => {
    const redis = await started({ config: { maxclients: '5' } })
    const stores = Array.from({ length: 8 }, () => connected(redisAt(redis.port)))
    await vi.waitFor(() => expect(stores.filter((store) => store.state().up)).toHaveLength(5), {
      timeout: 10_000,
    })
    await redis.kill()
    await redis.restart()
    await Promise.all(stores.slice(0, 4).map((store) => store.close()))
    await Promise.all(stores.slice(4).map((store) => up(store)))
  })

  it('goes on after its scripts were thrown away', async () => {
    const redis = await started()
    const store = await filled(redisAt(redis.port))
    await redis.cli('script', 'flush')
    await expect(store.putManyIfAbsent([entry('a')])).rejects.toMatchObject({ code: 'unavailable' })
    await up(store)
    await store.putManyIfAbsent([entry('a')])
  })

  it('keeps entries longer than they count, so that its clock may be set a little', async () => {
    const redis = await started()
    const store = await filled(redisAt(redis.port))
    await store.putManyIfAbsent([entry('a')])
    const key = Buffer.concat([Buffer.from('flk:'), Buffer.from(pcsIdOf('a'), 'hex')])
    const decimal = [...key].map((byte) => `\\${String(byte).padStart(3, '0')}`).join('')
    const ttlMs = Number(await redis.cli('eval', `return redis.call('PTTL', "${decimal}")`, '0'))
    expect(ttlMs).toBeGreaterThan(DAY_MS)
    expect(ttlMs).toBeLessThanOrEqual(DAY_MS + 900_000)
  })

  /** A process that is so far behind the time, and sees the clocks of these logs so far ahead of it. */
  async function seeing(port: number, logs: Record<string, number>, behindMs = 0): Promise<RemoteStore> {
    const logClocksMs = () =>
      new Map(Object.entries(logs).map(([logId, aheadMs]) => [logId, Date.now() + aheadMs]))
    const clock = {
      ...trusting(() => Date.now() - behindMs),
      logClocksMs,
      monotonicMs: () => performance.now(),
    }
    const store = await up(new RemoteStore(redisServer(redisAt(port), clock), clock))
    onTestFinished(() => store.close())
    return store
  }

  it('is not cleared by processes that started on different sides of a step of the clock', async () => {
    const redis = await started()
    const open = (behindMs: number) => seeing(redis.port, { log: 0 }, behindMs)
    const before = await open(3_600_000)
    await before.begin('one', NO_LOGS)
    await before.complete()
    await before.putManyIfAbsent([entry('a')])
    const after = await open(0)
    expect(await after.filledGeneration()).toBe('one')
    await after.adopt('one')
    for (const store of [after, before]) {
      expect((await store.getMany([pcsIdOf('a')]))[0]).toBeDefined()
    }
    // A third one, with the clock of the first, fills it anew: nothing is cleared by that.
    await (await open(3_600_000)).begin('two', NO_LOGS)
    await after.filledGeneration()
    expect(await redis.cli('dbsize')).not.toBe('1\n')
  })

  it('is not cleared by a process that cannot reach one of its logs, whose clock is ahead', async () => {
    const redis = await started()
    const [aheadMs, other] = [3_600_000, 0]
    const both = await seeing(redis.port, { ahead: aheadMs, other })
    await both.begin('one', NO_LOGS)
    await both.complete()
    const one = await seeing(redis.port, { other })
    expect(await one.filledGeneration()).toBe('one')
    // Nor is what it has filled, by one that reaches both.
    await one.begin('two', NO_LOGS)
    await one.complete()
    expect(await both.filledGeneration()).toBe('two')
    // A log whose own clock has leapt, and one that nobody has compared it with, say nothing for it.
    const leapt = await seeing(redis.port, { ahead: 2 * aheadMs, other: aheadMs })
    expect(await leapt.filledGeneration()).toBe('')
    expect(await (await seeing(redis.port, { third: 0 })).filledGeneration()).toBe('')
  })

  it('is not believed when its clock has jumped, by which it may have forgotten', async () => {
    const redis = await started()
    let aheadMs = 0
    // What jumps is the process here: all that counts is how far the two are apart.
    const store = await filled(redisAt(redis.port), () => Date.now() - aheadMs)
    await store.putManyIfAbsent([entry('a')])
    aheadMs = 60_000
    await expect(store.getMany([pcsIdOf('a')])).rejects.toThrow('clock')
    aheadMs = 3_600_000
    expect(await store.filledGeneration()).toBe('')
    expect(await store.positions()).toEqual(new Map())
    // What was written by the old clock would expire by it.
    await store.begin('next', NO_LOGS)
    expect(await store.getMany([pcsIdOf('a')])).toEqual([undefined])
  })
})
