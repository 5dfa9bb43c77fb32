import { type PostgresServer, postgresMissing, startPostgres } from '@fractal-lba/test-servers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { expectKept, finish, loadsOn, type Outage, outagesOfForm, throughOutage } from './src/store-outage.js'
import { StorePair } from './src/store-pair.js'
import { partitionOf } from './src/store-partition.js'
import { ConnectionHog, sql, stopImmediately, TableLock } from './src/store-postgres.js'
import { Stutter } from './src/store-stutter.js'

const missing = await postgresMissing()
if (missing !== undefined) it.skip(`outages of Postgres (${missing})`)

const START_LIMIT_MS = 90_000

describe.skipIf(missing)('two gateways and two dedups on one Postgres', () => {
  let postgres: PostgresServer
  let pair: StorePair
  beforeAll(async () => {
    postgres = await startPostgres({ config: { max_connections: '30' } })
    pair = await StorePair.start('fault-postgres', {
      DEDUP_BACKEND: 'postgres',
      POSTGRES_CONN: postgres.conninfo,
    })
  }, START_LIMIT_MS)
  afterAll(async () => {
    await pair?.close()
    await postgres?.close()
  }, START_LIMIT_MS)
  const stutter = new Stutter(() => postgres)
  const hog = new ConnectionHog(() => postgres)
  const lock = new TableLock(() => postgres)
  const readOnly = async (how: 'SET default_transaction_read_only = on' | 'RESET ALL'): Promise<void> => {
    // A session that is read-only may still say so.
    await sql(postgres, `ALTER SYSTEM ${how}`)
    await sql(postgres, 'SELECT pg_reload_conf()')
  }

  const always: readonly Outage[] = [
    { name: 'is stopped at once', begin: () => stopImmediately(postgres), end: () => postgres.restart() },
    { name: 'stands still', begin: () => postgres.pause(), end: () => postgres.resume() },
    { name: 'has no connection left', begin: () => hog.begin(), end: () => hog.end() },
  ]
  const onlyLong: readonly Outage[] = [
    { name: 'is stopped', begin: () => postgres.stop(), end: () => postgres.restart() },
    { name: 'is killed', begin: () => postgres.kill(), end: () => postgres.restart() },
    { name: 'is slow', begin: () => stutter.begin(), end: () => stutter.end(), isSlow: true },
    { name: 'has its table locked', begin: () => lock.begin(), end: () => lock.end(), isUp: true },
    {
      name: 'is read-only',
      begin: () => readOnly('SET default_transaction_read_only = on'),
      end: () => readOnly('RESET ALL'),
    },
  ]

  it.each(outagesOfForm(always, onlyLong))('while it $name: 503, and all is finished afterwards', (outage) =>
    throughOutage(pair, outage),
  )

  it('while it is cut off: 503, and all is finished afterwards', async (context) => {
    const { cut, heal } = await partitionOf(context, postgres.port)
    await throughOutage(pair, { name: 'is cut off', begin: cut, end: heal })
  })

  it('restarted under load keeps what was acknowledged', async () => {
    const loads = loadsOn(pair)
    for (let round = 0; round < 2; round += 1) {
      await Promise.all(loads.map((load) => load.more(30)))
      await postgres.restart()
    }
    await Promise.all(loads.map((load) => load.more(30)))
    await finish(pair, loads)
    await expectKept(pair)
    expect(pair.account.acknowledged.length).toBeGreaterThan(300)
  })
})
