import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { redisMissing, startRedis } from '@fractal-lba/test-servers'
import { describe, it } from 'vitest'
import { describeSharedIndex } from '../index/shared-index.contract.js'
import { redisAt, redisServer } from '../testing/remote-under-test.js'

const missing = await redisMissing()
if (missing !== undefined) it.skip(`an index on Redis (${missing})`)

describe.skipIf(missing)('Redis', () => {
  describeSharedIndex('Redis', async () => {
    const redis = await startRedis()
    return {
      connect: () => redisServer(redisAt(redis.port)),
      controls: redis,
      empty: async () => {
        await redis.cli('flushall')
      },
      backup: async () => {
        await redis.cli('save')
        copyFileSync(join(redis.directory, 'dump.rdb'), join(redis.directory, 'copy.rdb'))
        return async () => {
          await redis.kill()
          copyFileSync(join(redis.directory, 'copy.rdb'), join(redis.directory, 'dump.rdb'))
          await redis.restart()
        }
      },
      close: () => redis.close(),
    }
  })
})
