import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { testSite } from '@fractal-lba/local'
import {
  type PostgresServer,
  postgresMissing,
  type RedisServer,
  redisMissing,
  startPostgres,
  startRedis,
} from '@fractal-lba/test-servers'
import { describe, expect, it, onTestFinished, type TestContext } from 'vitest'
import { Load } from '../src/load.js'
import { System } from '../src/system.js'
import { until } from '../src/until.js'
import { demandTools, run } from './src/programs.js'
import { expectKept, finish, loadsOn } from './src/store-outage.js'
import { StorePair } from './src/store-pair.js'
import { sql } from './src/store-postgres.js'
import { Account, systemFindings } from './src/system-findings.js'

const noRedis = await redisMissing()
const noPostgres = await postgresMissing()
if (noRedis !== undefined) it.skip(`losses of Redis (${noRedis})`)
if (noPostgres !== undefined) it.skip(`losses of Postgres (${noPostgres})`)

const FILLED_LIMIT_MS = 30_000

/** Takes away what the store has; before it, perhaps, a copy while it was younger. */
interface Loss {
  readonly copy?: () => Promise<unknown>
  readonly lose: () => Promise<unknown>
}

/** Agents go on while it is lost: the index is filled anew, and every acknowledged outcome is the original one. */
async function throughLoss(pair: StorePair, { copy, lose }: Loss): Promise<void> {
  const loads = loadsOn(pair)
  await Promise.all(loads.map((load) => load.more(50)))
  await copy?.()
  await Promise.all(loads.map((load) => load.more(50)))
  const { generation } = await pair.system.wal.state()
  await lose()
  await until('the index is filled anew', FILLED_LIMIT_MS, async () => {
    return (await pair.system.wal.state()).generation !== generation
  })
  await pair.untilReady()
  await Promise.all(loads.map((load) => load.more(50)))
  await finish(pair, loads)
  await expectKept(pair)
}

describe.skipIf(noRedis)('a Redis', () => {
  async function start(): Promise<[StorePair, RedisServer]> {
    const redis = await startRedis()
    onTestFinished(() => redis.close())
    const env = { DEDUP_BACKEND: 'redis', REDIS_ADDR: redis.address }
    return [await StorePair.forTest('fault-redis-loss', env), redis]
  }

  it('that is emptied, or comes back from an old copy, is filled from the log by itself', async () => {
    const [pair, redis] = await start()
    const file = join(redis.directory, 'dump.rdb')
    await throughLoss(pair, { lose: () => redis.cli('flushall') })
    await throughLoss(pair, {
      async copy() {
        await redis.cli('save')
        await copyFile(file, `${file}.copy`)
      },
      async lose() {
        await redis.stop()
        await copyFile(`${file}.copy`, file)
        await redis.restart()
      },
    })
  })
})

describe.skipIf(noRedis)('a Redis that loses entries and keeps its marker, which no fault does', () => {
  it('is found out by these tests', async () => {
    const redis = await startRedis()
    onTestFinished(() => redis.close())
    const env = { DEDUP_BACKEND: 'redis', REDIS_ADDR: redis.address }
    const pair = await StorePair.forTest('fault-control', env)
    const loads = loadsOn(pair)
    await Promise.all(loads.map((load) => load.more(20)))
    await finish(pair, loads)
    expect(await systemFindings(pair.system, pair.account)).toEqual([])
    // What follows the marks would put back what it has not read yet.
    await until('every mark was read back', FILLED_LIMIT_MS, async () => {
      return (await pair.marksRead()) >= (await pair.system.wal.marks()).length
    })
    expect(Number(await redis.cli('eval', REMOVE_ENTRIES, '0'))).toBeGreaterThanOrEqual(40)
    expect(await systemFindings(pair.system, pair.account)).not.toEqual([])
  })
})

/** An id is 32 bytes after the prefix; the store's own keys are shorter. */
const REMOVE_ENTRIES = `
local removed = 0
for _, key in ipairs(redis.call('KEYS', 'flk:*')) do
  if #key == 36 then removed = removed + redis.call('DEL', key) end
end
return removed`

describe.skipIf(noPostgres)('a Postgres', () => {
  async function start(): Promise<[StorePair, PostgresServer]> {
    const postgres = await startPostgres()
    onTestFinished(() => postgres.close())
    const env = { DEDUP_BACKEND: 'postgres', POSTGRES_CONN: postgres.conninfo }
    return [await StorePair.forTest('fault-postgres-loss', env), postgres]
  }
  const client = { debianPackage: 'postgresql-client' }
  const programs = (context: TestContext): Promise<string[]> =>
    demandTools(context, { name: 'pg_dump', ...client }, { name: 'psql', ...client })

  it('that is emptied is filled from the log by itself', async () => {
    const [pair, postgres] = await start()
    await throughLoss(pair, { lose: () => sql(postgres, 'TRUNCATE dedup_entries') })
    await throughLoss(pair, { lose: () => sql(postgres, 'DROP TABLE dedup_entries, dedup_marker') })
  })

  it('that is restored from an old dump, under load, is filled from the log by itself', async (context) => {
    const [dump = '', psql = ''] = await programs(context)
    const [pair, postgres] = await start()
    const file = join(postgres.directory, 'dedup.sql')
    await throughLoss(pair, {
      copy: () => run(dump, '--clean', '--if-exists', '--table=dedup_*', '-f', file, postgres.conninfo),
      lose: () => run(psql, '-q', '--single-transaction', '-f', file, '-d', postgres.conninfo),
    })
  })
})

describe.skipIf(noRedis)('a Redis that is away for long', () => {
  it('is done without on a memory index, filled from the log, and taken back', async () => {
    const redis = await startRedis({ config: { appendonly: 'yes' } })
    onTestFinished(() => redis.close())
    const site = await testSite('fault-long-outage')
    onTestFinished(() => site.dispose())
    const account = new Account()
    const live = async (life: string, env: Readonly<Record<string, string>>, away: boolean) => {
      const system = await System.start(site, `fault-long-outage-${life}`, { env })
      expect(await systemFindings(system, account)).toEqual([])
      const next = account.sending(() => system.records.next())
      const load = new Load(system.client, system.records, { concurrency: 8, next })
      await load.more(100)
      if (away) {
        await redis.stop()
        await until('agents are refused', FILLED_LIMIT_MS, () => load.met.unavailable > 20)
        await load.giveUp()
      } else {
        await load.finish()
        expect(load.unanswered).toEqual([])
      }
      account.add(load)
      system.close()
      await system.constellation.stop()
    }
    const onRedis = { DEDUP_BACKEND: 'redis', REDIS_ADDR: redis.address }
    await live('before', onRedis, true)
    await live('meanwhile', { DEDUP_BACKEND: 'memory' }, false)
    await redis.restart()
    await live('after', onRedis, false)
    const system = await System.start(site, 'fault-long-outage-end', { env: onRedis })
    expect(await systemFindings(system, account)).toEqual([])
    system.close()
  })
})
