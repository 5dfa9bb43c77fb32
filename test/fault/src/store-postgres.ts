import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { PostgresServer } from '@fractal-lba/test-servers'
import { Client } from 'pg'
import { until } from '../../src/until.js'

const END_LIMIT_MS = 10_000
/** So many looks one after the other without a connection of the product. */
const CALM_LOOKS = 3
const CALM_MS = 50

/** Every row that holds an id: the others are what the store says of itself. */
export const COUNT_IDS = 'SELECT count(*)::int AS n FROM dedup_entries WHERE length(id) = 32'

export async function login({ host, port }: PostgresServer): Promise<Client> {
  const client = new Client({ host, port, user: 'postgres', database: 'postgres' })
  // It may be cut off on purpose; whoever asks it something is told.
  client.on('error', () => undefined)
  await client.connect()
  return client
}

/** One statement over a connection of its own. */
export async function sql(server: PostgresServer, text: string): Promise<Record<string, unknown>[]> {
  const client = await login(server)
  try {
    return (await client.query<Record<string, unknown>>(text)).rows
  } finally {
    await client.end()
  }
}

/** As `pg_ctl stop -m immediate` does it: nothing is finished, the next start recovers. */
export async function stopImmediately(server: PostgresServer): Promise<void> {
  const [pid = ''] = readFileSync(join(server.directory, 'data', 'postmaster.pid'), 'utf8').split('\n')
  process.kill(Number(pid), 'SIGQUIT')
  await until('Postgres has ended', END_LIMIT_MS, async () => {
    return login(server).then(
      (client) => client.end().then(() => false),
      () => true,
    )
  })
  await server.stop()
}

/** Takes every connection that there is, and those of the product first of all. */
export class ConnectionHog {
  readonly #server: () => PostgresServer
  readonly #taken: Client[] = []

  constructor(server: () => PostgresServer) {
    this.#server = server
  }

  async begin(): Promise<void> {
    const admin = await login(this.#server())
    this.#taken.push(admin)
    // The product takes what it can meanwhile; that is taken from it again.
    for (let calm = 0; calm < CALM_LOOKS; ) {
      await this.#takeAll()
      const { rowCount } = await admin.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'fractal-lba dedup'",
      )
      calm = rowCount === 0 ? calm + 1 : 0
      await sleep(CALM_MS)
    }
  }

  async end(): Promise<void> {
    await Promise.all(this.#taken.splice(0).map((client) => client.end()))
  }

  async #takeAll(): Promise<void> {
    try {
      for (;;) this.#taken.push(await login(this.#server()))
    } catch {
      // Now there is none left.
    }
  }
}

/** Another session that holds the table. */
export class TableLock {
  readonly #server: () => PostgresServer
  #holder: Client | undefined

  constructor(server: () => PostgresServer) {
    this.#server = server
  }

  async begin(): Promise<void> {
    this.#holder = await login(this.#server())
    await this.#holder.query('BEGIN; LOCK TABLE dedup_entries IN ACCESS EXCLUSIVE MODE')
  }

  async end(): Promise<void> {
    await this.#holder?.end()
  }
}
