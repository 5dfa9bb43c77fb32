import { UnsuitableServer } from '../remote/unsuitable-server.js'
import type { Row } from './postgres-pool.js'

/** The key of the advisory lock under which the tables are made. */
const LOCK = '7310305184262481773'
const VERSION = 1

/**
 * dedup_entries holds under ids of 32 bytes the entries, and under shorter ones what the store says of itself, so that
 * whatever empties the table or sets it back takes that with it: under the empty id the generation, under "positions"
 * the positions, under "logs" the logs that it is the index of, under 8 bytes a definition (EntryCodec). A row changes once or twice in its life, without touching
 * any index: each page keeps some room for that.
 *
 * dedup_marker has one row: whether the generation is complete, as what it was begun, and who fills or follows now.
 */
const MIGRATIONS: readonly string[] = [
  `CREATE TABLE IF NOT EXISTS dedup_entries (
     expires_at bigint NOT NULL,
     id bytea PRIMARY KEY,
     value bytea NOT NULL
   ) WITH (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.1);
   CREATE TABLE IF NOT EXISTS dedup_marker (
     one boolean PRIMARY KEY DEFAULT true CHECK (one),
     complete boolean NOT NULL DEFAULT false,
     incarnation text NOT NULL DEFAULT '',
     keeper text NOT NULL DEFAULT '',
     keeper_until timestamptz NOT NULL DEFAULT '-infinity'
   );`,
]

/**
 * Brings the tables to this version; several processes may do so at once. What is there already asks for no right
 * to make anything. @throws UnsuitableServer when they are of a newer version.
 */
export async function migrate(run: (text: string) => Promise<Row[]>): Promise<void> {
  if ((await versionOf(run)) === VERSION) return
  await run('BEGIN')
  try {
    await run(`SELECT pg_advisory_xact_lock(${LOCK})`)
    const version = await versionOf(run)
    if (version > VERSION)
      throw new UnsuitableServer(
        `the tables in Postgres are of a newer version (${version}) than this program`,
      )
    for (const migration of MIGRATIONS.slice(version)) await run(migration)
    await run('CREATE TABLE IF NOT EXISTS dedup_schema (version integer NOT NULL)')
    await run('DELETE FROM dedup_schema')
    await run(`INSERT INTO dedup_schema VALUES (${VERSION})`)
    await run('COMMIT')
  } catch (error) {
    await run('ROLLBACK')
    throw error
  }
}

/** 0: there are no tables. */
async function versionOf(run: (text: string) => Promise<Row[]>): Promise<number> {
  const there = await run(
    "SELECT to_regclass('dedup_schema') IS NOT NULL, to_regclass('dedup_entries') IS NOT NULL AND to_regclass('dedup_marker') IS NOT NULL",
  )
  const [hasSchema, hasTables] = there[0] ?? []
  if (hasSchema !== true) return 0
  const rows = await run('SELECT max(version)::text FROM dedup_schema')
  const version = Number(rows[0]?.[0] ?? 0)
  return hasTables === true || version > VERSION ? version : 0
}
