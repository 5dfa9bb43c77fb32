import {
  redisMissing,
  startRedis,
  startRedisCluster,
  startSentinelSet,
  type RedisServer as TestRedis,
} from '@fractal-lba/test-servers'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { describeStoreContract } from '../store.contract.js'
import { redisAt, redisServer, twoStores } from '../testing/remote-under-test.js'
import type { RedisConfig } from './redis-config.js'

const missing = await redisMissing()
if (missing !== undefined) it.skip(`the contract of a store on Redis (${missing})`)

interface Deployment {
  readonly config: RedisConfig
  readonly masters: readonly TestRedis[]
  close(): Promise<void>
}

const deployments: Readonly<Record<string, () => Promise<Deployment>>> = {
  Redis: async () => {
    const redis = await startRedis()
    return { config: redisAt(redis.port), masters: [redis], close: () => redis.close() }
  },
  'Redis Cluster': async () => {
    const { masters, close } = await startRedisCluster()
    const seeds = masters.map(({ host, port }) => ({ host, port }))
    return { config: redisAt(0, { places: { kind: 'cluster', seeds } }), masters, close }
  },
  'Redis Sentinel': async () => {
    const { name, master, sentinels, close } = await startSentinelSet()
    const places = {
      kind: 'sentinel' as const,
      sentinels: sentinels.map(({ host, port }) => ({ host, port })),
      master: name,
      username: undefined,
      password: undefined,
    }
    return { config: redisAt(0, { places }), masters: [master], close }
  },
}

for (const [name, start] of Object.entries(deployments)) {
  describe.skipIf(missing)(name, () => {
    let deployment: Deployment
    beforeAll(async () => {
      deployment = await start()
    }, 60_000)
    afterAll(() => deployment.close())
    describeStoreContract(
      name,
      async () => {
        await Promise.all(deployment.masters.map((master) => master.cli('flushall')))
        return twoStores((now) => redisServer(deployment.config, now))
      },
      { canBeFull: false },
    )
  })
}
