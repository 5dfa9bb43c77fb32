import { type PostgresServer, postgresMissing, startPostgres } from '@fractal-lba/test-servers'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { describeStoreContract } from '../store.contract.js'
import { postgresAt, postgresServer, twoStores } from '../testing/remote-under-test.js'

const missing = await postgresMissing()
if (missing !== undefined) it.skip(`the contract of a store on Postgres (${missing})`)

describe.skipIf(missing)('Postgres', () => {
  let postgres: PostgresServer
  let client: Client
  beforeAll(async () => {
    postgres = await startPostgres()
    client = new Client({
      host: postgres.host,
      port: postgres.port,
      user: postgres.user,
      database: 'postgres',
    })
    await client.connect()
  }, 60_000)
  afterAll(async () => {
    await client.end()
    await postgres.close()
  })
  describeStoreContract(
    'Postgres',
    async () => {
      await client.query('DROP TABLE IF EXISTS dedup_entries, dedup_marker, dedup_schema')
      return twoStores((now) => postgresServer(postgresAt(postgres), now))
    },
    { canBeFull: false },
  )
})
