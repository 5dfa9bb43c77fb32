import { dedup } from '@fractal-lba/proto'
import {
  type RedisCluster,
  redisMissing,
  startRedisCluster,
  startSentinelSet,
} from '@fractal-lba/test-servers'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { StoredVerdict } from '../store.js'
import { startTestWal } from '../testing/index-under-test.js'
import { redisAt, redisServer } from '../testing/remote-under-test.js'
import { type SharedIndex, sharedIndex, submit, submitUntilAnswered } from '../testing/shared-index.js'
import type { TestWal } from '../testing/test-wal.js'
import { pcsIdOf } from '../testing/verdicts.js'
import type { RedisConfig } from './redis-config.js'
import { slotOf } from './slots.js'

const missing = await redisMissing()
if (missing !== undefined) it.skip(`failover of Redis (${missing})`)

const { FINDING_CONFLICT, FINDING_DUPLICATE } = dedup.Finding
const names = (prefix: string): string[] => Array.from({ length: 30 }, (_, index) => `${prefix} ${index}`)

async function acknowledge(
  process: SharedIndex,
  wal: TestWal,
  all: readonly string[],
): Promise<Map<string, StoredVerdict>> {
  const acknowledged = new Map<string, StoredVerdict>()
  for (const name of all) acknowledged.set(name, (await submitUntilAnswered(process, wal, name)).verdict)
  return acknowledged
}

async function expectKept(
  process: SharedIndex,
  wal: TestWal,
  acknowledged: ReadonlyMap<string, StoredVerdict>,
): Promise<void> {
  for (const [name, verdict] of acknowledged) {
    expect(await submitUntilAnswered(process, wal, name)).toEqual({ finding: FINDING_DUPLICATE, verdict })
    const twin = await submitUntilAnswered(process, wal, name, 'other content')
    expect(twin).toEqual({ finding: FINDING_CONFLICT, verdict })
  }
}

describe.skipIf(missing)('Redis with sentinels', () => {
  it('takes nothing back when a failover has lost acknowledged writes', async () => {
    const set = await startSentinelSet()
    onTestFinished(() => set.close())
    const places = {
      kind: 'sentinel' as const,
      sentinels: set.sentinels.map(({ host, port }) => ({ host, port })),
      master: set.name,
      username: undefined,
      password: undefined,
    }
    const wal = await startTestWal()
    const [one, two] = [1, 2].map(() => sharedIndex([wal], redisServer(redisAt(0, { places }))))
    if (!one || !two) throw new Error('two were made')
    const generation = await one.answering()
    await two.answering()
    const before = await acknowledge(one, wal, names('before'))
    // The replica hears nothing of what is written now; it was not away for so long that it would not be chosen.
    await set.replica.pause()
    const vanished = await acknowledge(two, wal, names('vanished'))
    await set.master.kill()
    // Nobody can be master now.
    expect(await submit(one, wal, 'meanwhile')).toBeUndefined()
    await set.replica.resume()
    // One that was asked so far may be away as well.
    await set.sentinels[0]?.kill()
    const next = await one.answering(generation)
    expect(await two.answering(generation)).toBe(next)
    expect(await set.replica.cli('info', 'replication')).toContain('role:master')
    await expectKept(one, wal, before)
    await expectKept(two, wal, vanished)
  }, 60_000)
})

describe.skipIf(missing)('Redis Cluster', () => {
  async function start(options: { readonly replicas: boolean }): Promise<[RedisCluster, RedisConfig]> {
    const cluster = await startRedisCluster(options)
    onTestFinished(() => cluster.close())
    const seeds = cluster.masters.map(({ host, port }) => ({ host, port }))
    return [cluster, redisAt(0, { places: { kind: 'cluster', seeds } })]
  }

  it('takes nothing back when one of its masters is emptied', async () => {
    const [cluster, config] = await start({ replicas: false })
    const wal = await startTestWal()
    const process = sharedIndex([wal], redisServer(config))
    const generation = await process.answering()
    const acknowledged = await acknowledge(process, wal, names('a'))
    await cluster.masters[1]?.cli('flushall')
    expect(await process.store.filledGeneration()).toBe('')
    await process.answering(generation)
    await expectKept(process, wal, acknowledged)
  }, 60_000)

  it('takes nothing back when a replica takes over that has missed writes', async () => {
    const [cluster, config] = await start({ replicas: true })
    const wal = await startTestWal()
    const process = sharedIndex([wal], redisServer(config))
    const generation = await process.answering()
    const before = await acknowledge(process, wal, names('before'))
    await cluster.replicas[0]?.pause()
    const vanished = await acknowledge(process, wal, names('vanished'))
    await cluster.masters[0]?.kill()
    await cluster.replicas[0]?.resume()
    await process.answering(generation)
    expect(await cluster.replicas[0]?.cli('info', 'replication')).toContain('role:master')
    await expectKept(process, wal, before)
    await expectKept(process, wal, vanished)
  }, 90_000)

  it('goes on while a slot moves from master to master', async () => {
    const [{ masters }, config] = await start({ replicas: false })
    const [to, , from] = masters
    if (!from || !to) throw new Error('three were started')
    const wal = await startTestWal()
    const process = sharedIndex([wal], redisServer(config))
    await process.answering()
    const idIn = (name: string): Buffer =>
      Buffer.concat([Buffer.from('flk:'), Buffer.from(pcsIdOf(name), 'hex')])
    // Names whose ids are in one slot of the last master, which is not that of its marker.
    const inLast = Array.from({ length: 4_000 }, (_, index) => `${index}`).find((name) => {
      const slot = slotOf(idIn(name))
      return slot > 11_000
    })
    if (inLast === undefined) throw new Error('there are such names')
    const slot = slotOf(idIn(inLast))
    const inSlot: string[] = []
    for (let index = 0; inSlot.length < 4; index += 1)
      if (slotOf(idIn(`${index}`)) === slot) inSlot.push(`${index}`)
    const [first = '', second = '', third = '', fourth = ''] = inSlot
    const acknowledged = await acknowledge(process, wal, [first, second])

    const [fromId, toId] = await Promise.all(
      [from, to].map(async (node) => (await node.cli('cluster', 'myid')).trim()),
    )
    await to.cli('cluster', 'setslot', String(slot), 'importing', fromId ?? '')
    await from.cli('cluster', 'setslot', String(slot), 'migrating', toId ?? '')
    // One that is still there, and a new one that the last master sends to the first.
    await expectKept(process, wal, acknowledged)
    for (const [name, verdict] of await acknowledge(process, wal, [third])) acknowledged.set(name, verdict)
    await expectKept(process, wal, acknowledged)
    expect(await to.cli('cluster', 'countkeysinslot', String(slot))).toBe('1\n')
    const migrate = `local keys = redis.call('CLUSTER', 'GETKEYSINSLOT', ${slot}, 100)
      for _, key in ipairs(keys) do redis.call('MIGRATE', '127.0.0.1', ${to.port}, key, 0, 5000) end return #keys`
    expect(await from.cli('eval', migrate, '0')).toBe('2\n')
    for (const node of masters) await node.cli('cluster', 'setslot', String(slot), 'node', toId ?? '')
    for (const [name, verdict] of await acknowledge(process, wal, [fourth])) acknowledged.set(name, verdict)
    await expectKept(process, wal, acknowledged)
    expect(await process.fills()).toBe(1)
  }, 90_000)

  it('is filled again when a master comes that was never filled', async () => {
    const [{ masters }, config] = await start({ replicas: false })
    const [first, second] = masters
    if (!first || !second) throw new Error('three were started')
    const wal = await startTestWal()
    const process = sharedIndex([wal], redisServer(config))
    const generation = await process.answering()
    const acknowledged = await acknowledge(process, wal, names('a'))
    // The lowest slot of the first master, with its marker: now neither has one that is its own.
    for (const key of (await first.cli('cluster', 'getkeysinslot', '0', '10')).trim().split('\n')) {
      if (key !== '')
        await first.cli('migrate', second.host, String(second.port), key, '0', '5000').catch(() => '')
    }
    const secondId = (await second.cli('cluster', 'myid')).trim()
    await second.cli('cluster', 'setslot', '0', 'node', secondId)
    for (const node of masters) await node.cli('cluster', 'setslot', '0', 'node', secondId).catch(() => '')
    await process.answering(generation)
    await expectKept(process, wal, acknowledged)
  }, 90_000)
})
