import { type RedisServer, redisMissing, startRedis, startSentinelSet } from '@fractal-lba/test-servers'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { until } from '../src/until.js'
import { expectKept, finish, loadsOn, type Outage, outagesOfForm, throughOutage } from './src/store-outage.js'
import { StorePair } from './src/store-pair.js'
import { partitionOf } from './src/store-partition.js'
import { Stutter } from './src/store-stutter.js'

const missing = await redisMissing()
if (missing !== undefined) it.skip(`outages of Redis (${missing})`)

const START_LIMIT_MS = 90_000
const FAILOVER_LIMIT_MS = 90_000

describe.skipIf(missing)('two gateways and two dedups on one Redis', () => {
  let redis: RedisServer
  let pair: StorePair
  beforeAll(async () => {
    redis = await startRedis({ config: { appendonly: 'yes' } })
    pair = await StorePair.start('fault-redis', { DEDUP_BACKEND: 'redis', REDIS_ADDR: redis.address })
  }, START_LIMIT_MS)
  afterAll(async () => {
    await pair?.close()
    await redis?.close()
  }, START_LIMIT_MS)
  const set = async (...settings: readonly string[]): Promise<void> => {
    expect(await redis.cli('config', 'set', ...settings)).toBe('OK\n')
  }
  const stutter = new Stutter(() => redis)

  const always: readonly Outage[] = [
    { name: 'is killed', begin: () => redis.kill(), end: () => redis.restart() },
    { name: 'stands still', begin: () => redis.pause(), end: () => redis.resume() },
    {
      name: 'is full',
      begin: () => set('maxmemory', '1'),
      end: () => set('maxmemory', '0'),
      hasNoRoom: true,
    },
  ]
  const onlyLong: readonly Outage[] = [
    { name: 'is stopped', begin: () => redis.stop(), end: () => redis.restart() },
    { name: 'is slow', begin: () => stutter.begin(), end: () => stutter.end(), isSlow: true },
    {
      name: 'misses the replicas that it demands',
      begin: () => set('min-replicas-to-write', '1'),
      end: () => set('min-replicas-to-write', '0'),
      isUp: true,
    },
    {
      name: 'is made a replica of nobody',
      begin: async () => void (await redis.cli('replicaof', '127.0.0.1', '1')),
      end: async () => void (await redis.cli('replicaof', 'no', 'one')),
    },
  ]

  it.each(outagesOfForm(always, onlyLong))('while it $name: 503, and all is finished afterwards', (outage) =>
    throughOutage(pair, outage),
  )

  it('while it is cut off: 503, and all is finished afterwards', async (context) => {
    const { cut, heal } = await partitionOf(context, redis.port)
    await throughOutage(pair, { name: 'is cut off', begin: cut, end: heal })
  })

  it('restarted under load keeps what was acknowledged', async () => {
    const loads = loadsOn(pair)
    for (let round = 0; round < 2; round += 1) {
      await Promise.all(loads.map((load) => load.more(30)))
      await redis.restart()
    }
    await Promise.all(loads.map((load) => load.more(30)))
    await finish(pair, loads)
    await expectKept(pair)
  })
})

describe.skipIf(missing)('two gateways and two dedups on Redis with sentinels', () => {
  it('a failover in which acknowledged writes vanish takes nothing back', async () => {
    const set = await startSentinelSet()
    onTestFinished(() => set.close())
    const pair = await StorePair.forTest('fault-sentinel', {
      DEDUP_BACKEND: 'redis',
      REDIS_SENTINELS: set.addresses,
      REDIS_SENTINEL_MASTER: set.name,
    })
    const loads = loadsOn(pair, { patienceMs: FAILOVER_LIMIT_MS })
    await Promise.all(loads.map((load) => load.more(30)))
    // The replica is cut off from its master, not for so long that it would not be chosen; agents go on.
    await set.replica.pause()
    await Promise.all(loads.map((load) => load.more(30)))
    // Now the master is on the other side of the cut, alone.
    await set.master.pause()
    await set.replica.resume()
    // A sentinel that stood still itself does nothing for 30 s.
    await until('the replica is master', FAILOVER_LIMIT_MS, () => hasRole(set.replica, 'master'))
    await pair.untilReady(FAILOVER_LIMIT_MS)
    await Promise.all(loads.map((load) => load.more(30)))
    // The old master is back, and knows nothing of it yet.
    await set.master.resume()
    await Promise.all(loads.map((load) => load.more(100)))
    await until('the old master follows', FAILOVER_LIMIT_MS, () => hasRole(set.master, 'slave'))
    await finish(pair, loads)
    await expectKept(pair)
  })
})

/** False also when there is no answer: whoever changes the role of a server ends all connections to it. */
async function hasRole(server: RedisServer, role: 'master' | 'slave'): Promise<boolean> {
  const info = await server.cli('info', 'replication').catch(() => '')
  return info.includes(`role:${role}`)
}
