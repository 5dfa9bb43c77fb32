import { postgresMissing, redisMissing, startPostgres, startRedis } from '@fractal-lba/test-servers'
import { onTestFinished } from 'vitest'
import { StorePair } from './store-pair.js'
import { COUNT_IDS, sql } from './store-postgres.js'

export interface StartOptions {
  /** useCount() will be asked: Postgres must log its statements for that. */
  readonly countsUses?: boolean
}

/** A pair on a real store, with what only the store itself can tell. */
export interface PairOnStore {
  readonly pair: StorePair
  /** How many ids it holds. */
  idCount(): Promise<number>
  /** How often it was asked for ids or given some. Only where that was asked for at the start. */
  useCount(): Promise<number>
}

export interface Backend {
  readonly name: string
  /** Why it cannot be had here. */
  readonly missing: string | undefined
  /** For one test. */
  start(label: string, options?: StartOptions): Promise<PairOnStore>
}

/** The stores that several processes share. */
export const backends: readonly Backend[] = [
  {
    name: 'Redis',
    missing: await redisMissing(),
    async start(label) {
      const redis = await startRedis()
      onTestFinished(() => redis.close())
      const pair = await StorePair.forTest(label, { DEDUP_BACKEND: 'redis', REDIS_ADDR: redis.address })
      return {
        pair,
        // An id is 32 bytes after the prefix; the store's own keys are shorter.
        idCount: async () => Number(await redis.cli('eval', COUNT_REDIS_IDS, '0')),
        useCount: async () => {
          const calls = /^cmdstat_mget:calls=(\d+)/m.exec(await redis.cli('info', 'commandstats'))?.[1]
          return Number(calls ?? 0)
        },
      }
    },
  },
  {
    name: 'Postgres',
    missing: await postgresMissing(),
    async start(label, { countsUses = false } = {}) {
      const config = countsUses ? { log_statement: 'all', log_parameter_max_length: '0' } : {}
      const postgres = await startPostgres({ config })
      onTestFinished(() => postgres.close())
      const env = { DEDUP_BACKEND: 'postgres', POSTGRES_CONN: postgres.conninfo }
      return {
        pair: await StorePair.forTest(label, env),
        idCount: async () => Number((await sql(postgres, COUNT_IDS))[0]?.n),
        useCount: async () => postgres.log().match(POSTGRES_USES)?.length ?? 0,
      }
    },
  },
]

/** The prepared statements that are given ids. */
const POSTGRES_USES = /\bexecute dedup-(?:read|add|set|swap):/g

const COUNT_REDIS_IDS = `
local count = 0
for _, key in ipairs(redis.call('KEYS', 'flk:*')) do
  if #key == 36 then count = count + 1 end
end
return count`
