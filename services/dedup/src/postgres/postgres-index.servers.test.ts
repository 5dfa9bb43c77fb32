import { type PostgresServer, postgresMissing, startPostgres } from '@fractal-lba/test-servers'
import { Client } from 'pg'
import { afterAll, describe, it } from 'vitest'
import { describeSharedIndex } from '../index/shared-index.contract.js'
import { postgresAt, postgresServer } from '../testing/remote-under-test.js'

const missing = await postgresMissing()
if (missing !== undefined) it.skip(`an index on Postgres (${missing})`)

describe.skipIf(missing)('Postgres', () => {
  let postgres: PostgresServer | undefined
  afterAll(() => postgres?.close())

  async function sql(...statements: string[]): Promise<void> {
    if (!postgres) throw new Error('Postgres is not started')
    const client = new Client({
      host: postgres.host,
      port: postgres.port,
      user: 'postgres',
      database: 'postgres',
    })
    await client.connect()
    try {
      for (const statement of statements) await client.query(statement)
    } finally {
      await client.end()
    }
  }

  describeSharedIndex('Postgres', async () => {
    postgres ??= await startPostgres()
    const server = postgres
    await sql('DROP TABLE IF EXISTS dedup_entries, dedup_marker, dedup_schema, copy_entries, copy_marker')
    return {
      connect: () => postgresServer(postgresAt(server)),
      controls: server,
      empty: () => sql('TRUNCATE dedup_entries'),
      backup: async () => {
        await sql(
          'CREATE TABLE copy_entries AS TABLE dedup_entries',
          'CREATE TABLE copy_marker AS TABLE dedup_marker',
        )
        // As pg_restore does it: in the running server.
        return () =>
          sql(
            `BEGIN; TRUNCATE dedup_entries, dedup_marker;
             INSERT INTO dedup_entries TABLE copy_entries; INSERT INTO dedup_marker TABLE copy_marker; COMMIT`,
          )
      },
      close: async () => {
        await server.restart()
      },
    }
  })
})
