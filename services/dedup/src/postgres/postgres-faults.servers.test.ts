import { readFileSync } from 'node:fs'
import { trusting } from '@fractal-lba/runtime'
import {
  makeCertificates,
  type PostgresOptions,
  type PostgresServer,
  postgresMissing,
  startPostgres,
} from '@fractal-lba/test-servers'
import { Client } from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { NO_LOGS } from '../index/log-set.js'
import { RemoteStore } from '../remote/remote-store.js'
import type { IndexEntry } from '../store.js'
import { postgresAt, postgresServer, up } from '../testing/remote-under-test.js'
import { entryOf, pcsIdOf, verdictOf } from '../testing/verdicts.js'
import type { PostgresConfig } from './postgres-config.js'

const missing = await postgresMissing()
if (missing !== undefined) it.skip(`faults of Postgres (${missing})`)

const DAY_MS = 86_400_000
const entry = (name: string | number, ttlMs = DAY_MS): IndexEntry =>
  entryOf(verdictOf(name), Date.now() + ttlMs)

function connected(config: PostgresConfig, now: () => number = Date.now): RemoteStore {
  const store = new RemoteStore(postgresServer(config, now), trusting(now))
  onTestFinished(() => store.close())
  return store
}

async function filled(config: PostgresConfig, now?: () => number): Promise<RemoteStore> {
  const store = await up(connected(config, now))
  await store.begin('generation', NO_LOGS)
  await store.complete()
  return store
}

const refusing = (store: RemoteStore, sentence: RegExp): Promise<void> =>
  vi.waitFor(
    () => expect(store.state()).toMatchObject({ up: false, refusal: expect.stringMatching(sentence) }),
    { timeout: 30_000 },
  )

describe.skipIf(missing)('Postgres', () => {
  let postgres: PostgresServer
  let admin: Client
  const sql = async (text: string): Promise<Record<string, unknown>[]> => (await admin.query(text)).rows
  const login = async (): Promise<Client> => {
    const client = new Client({
      host: postgres.host,
      port: postgres.port,
      user: 'postgres',
      database: 'postgres',
    })
    client.on('error', () => undefined)
    await client.connect()
    return client
  }
  /** Tells the store's connections to end. */
  const cutOff = (): Promise<unknown> =>
    sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'test'")
  beforeAll(async () => {
    postgres = await startPostgres({ config: { max_connections: '30' } })
    admin = await login()
  }, 60_000)
  beforeEach(async () => {
    await sql('DROP TABLE IF EXISTS dedup_entries, dedup_marker, dedup_schema')
  })
  afterAll(async () => {
    await admin.end()
    await postgres.close()
  })

  it('makes its tables once, whoever begins together', async () => {
    const stores = Array.from({ length: 6 }, () => connected(postgresAt(postgres)))
    await Promise.all(stores.map(up))
    expect(await sql('SELECT version FROM dedup_schema')).toEqual([{ version: 1 }])
  })

  it('asks for no more than to read and write once the tables are there', async () => {
    await filled(postgresAt(postgres))
    await sql('DO $$ BEGIN CREATE ROLE plain LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$')
    await sql('GRANT SELECT, INSERT, UPDATE, DELETE ON dedup_entries, dedup_marker, dedup_schema TO plain')
    const plain = await up(connected(postgresAt(postgres, { user: 'plain' })))
    await plain.adopt('generation')
    expect(await plain.putManyIfAbsent([entry('a')])).toHaveLength(1)
  })

  it('leaves tables of a newer version alone', async () => {
    await filled(postgresAt(postgres))
    await sql('UPDATE dedup_schema SET version = 99')
    const store = connected(postgresAt(postgres))
    await refusing(store, /newer version/)
  })

  it('says that it has no connection left, and comes back when it has', async () => {
    const store = await filled(postgresAt(postgres))
    await store.putManyIfAbsent([entry('a')])
    const others: Client[] = []
    // The store looks in between, and may take a place that has become free.
    await vi.waitFor(
      async () => {
        await cutOff()
        try {
          for (;;) others.push(await login())
        } catch {
          // Now it is full.
        }
        expect(store.state()).toMatchObject({
          up: false,
          refusal: expect.stringMatching(/no further connection/),
        })
      },
      { timeout: 30_000, interval: 500 },
    )
    await expect(store.getMany([pcsIdOf('a')])).rejects.toMatchObject({ code: 'unavailable' })
    await Promise.all(others.map((client) => client.end()))
    await up(store)
    expect(await store.getMany([pcsIdOf('a')])).toEqual([expect.anything()])
  })

  it('goes on after its connections were cut', async () => {
    const store = await filled(postgresAt(postgres))
    for (let round = 0; round < 3; round += 1) {
      const puts = Promise.allSettled(
        Array.from({ length: 8 }, (_, index) => store.putManyIfAbsent([entry(`${round} ${index}`)])),
      )
      await cutOff()
      for (const put of await puts) {
        if (put.status === 'rejected') expect(put.reason).toMatchObject({ code: 'unavailable' })
      }
      await up(store)
    }
    // A connection that was told to end may be taken once more before it does.
    const put = (): Promise<unknown> => store.putManyIfAbsent([entry('after')])
    expect(await vi.waitFor(put, { timeout: 30_000 })).toHaveLength(1)
    expect(await vi.waitFor(() => store.filledGeneration(), { timeout: 30_000 })).toBe('generation')
  })

  it('takes no writes where it is read-only, and says so', async () => {
    const store = await filled(postgresAt(postgres))
    await sql('ALTER SYSTEM SET default_transaction_read_only = on')
    await sql('SELECT pg_reload_conf()')
    onTestFinished(async () => {
      await sql('BEGIN READ WRITE; COMMIT')
      await sql('ALTER SYSTEM RESET default_transaction_read_only')
      await sql('SELECT pg_reload_conf()')
    })
    await refusing(store, /read-only/)
    await expect(store.putManyIfAbsent([entry('a')])).rejects.toThrow(/read-only/)
    await sql('ALTER SYSTEM RESET default_transaction_read_only')
    await sql('SELECT pg_reload_conf()')
    await up(store)
    await store.putManyIfAbsent([entry('a')])
  })

  it('waits for no lock for long, and is not down by it', async () => {
    const store = await filled(postgresAt(postgres))
    const other = await login()
    await other.query('BEGIN; LOCK TABLE dedup_entries IN ACCESS EXCLUSIVE MODE')
    await expect(store.putManyIfAbsent([entry('a')])).rejects.toMatchObject({ code: 'unavailable' })
    expect(store.state().up).toBe(true)
    await other.query('COMMIT')
    await other.end()
    expect(await store.putManyIfAbsent([entry('b')])).toHaveLength(1)
  })

  it('is not down when more is asked than its connections can do in time', async () => {
    const store = await filled(postgresAt(postgres, { connectionsMax: 2 }))
    const other = await login()
    await other.query('BEGIN; LOCK TABLE dedup_entries IN ACCESS EXCLUSIVE MODE')
    const asked = Array.from({ length: 12 }, (_, number) => store.getMany([pcsIdOf(number)]))
    const refusals = await Promise.allSettled(asked)
    expect(refusals.map(({ status }) => status)).toEqual(asked.map(() => 'rejected'))
    expect(store.state().up).toBe(true)
    await other.query('COMMIT')
    await other.end()
    expect(await store.getMany([pcsIdOf(0)])).toEqual([undefined])
  })

  it('is made anew after its tables were dropped, and believed no more until it is filled', async () => {
    const store = await filled(postgresAt(postgres))
    await sql('DROP TABLE dedup_entries')
    await expect(store.putManyIfAbsent([entry('a')])).rejects.toMatchObject({ code: 'unavailable' })
    await vi.waitFor(
      async () =>
        expect(await sql("SELECT to_regclass('dedup_entries') AS there")).toEqual([
          { there: 'dedup_entries' },
        ]),
      {
        timeout: 10_000,
      },
    )
    await up(store)
    await expect(store.putManyIfAbsent([entry('a')])).rejects.toThrow(/emptied/)
    expect(await store.filledGeneration()).toBe('')
  })

  it('is not believed after its rows were written back from a copy, generation and all', async () => {
    const store = await filled(postgresAt(postgres))
    await store.putManyIfAbsent([entry('a')])
    await sql('CREATE TEMP TABLE copy AS TABLE dedup_entries')
    await store.putManyIfAbsent([entry('b')])
    await sql('DELETE FROM dedup_entries; INSERT INTO dedup_entries TABLE copy; DROP TABLE copy')
    await expect(store.putManyIfAbsent([entry('c')])).rejects.toThrow(/set back/)
    expect(await store.filledGeneration()).toBe('')
  })

  it('lets batches that want the same ids in another order all through', async () => {
    const stores = [await filled(postgresAt(postgres)), await up(connected(postgresAt(postgres)))]
    await stores[1]?.adopt('generation')
    const names = Array.from({ length: 100 }, (_, index) => index)
    const results = await Promise.all(
      Array.from({ length: 24 }, (_, round) => {
        const rotated = [...names.slice(round * 4), ...names.slice(0, round * 4)]
        const batch = (round % 2 === 0 ? rotated : rotated.reverse()).map((name) =>
          entryOf(verdictOf(name, { content: `round ${round}` }), Date.now() + DAY_MS),
        )
        return stores[round % 2]?.putManyIfAbsent(batch)
      }),
    )
    const winners = new Map<string, string>()
    for (const standing of results.flatMap((result) => result ?? [])) {
      if (!standing) throw new Error('there was room')
      const { outcome, fingerprint } = standing.verdict
      const text = fingerprint.toString('hex')
      expect(winners.get(outcome.pcsId) ?? text).toBe(text)
      winners.set(outcome.pcsId, text)
    }
    expect(winners.size).toBe(100)
  })

  it('opens no more connections than it may', async () => {
    const store = await filled(postgresAt(postgres, { connectionsMax: 3, applicationName: 'bounded' }))
    await Promise.all(Array.from({ length: 50 }, (_, index) => store.putManyIfAbsent([entry(index)])))
    const [count] = await sql(
      "SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = 'bounded'",
    )
    expect(count?.n).toBeLessThanOrEqual(3)
  })

  it('removes what has expired, a while after, and waits for nobody', async () => {
    const clock = { nowMs: Date.now() }
    const store = await filled(postgresAt(postgres), () => clock.nowMs)
    const count = async (): Promise<unknown> =>
      (await sql('SELECT count(*)::int AS n FROM dedup_entries WHERE length(id) = 32'))[0]?.n
    const expiring = (name: number): IndexEntry => entryOf(verdictOf(name), clock.nowMs + 5_000)
    await store.putManyIfAbsent([...Array(1_500).keys()].map(expiring))
    await store.putManyIfAbsent([...Array(500).keys()].map((name) => entry(`lasting ${name}`)))
    const other = await login()
    await other.query('BEGIN')
    await other.query('SELECT FROM dedup_entries WHERE id = $1 FOR UPDATE', [Buffer.from(pcsIdOf(0), 'hex')])
    clock.nowMs += 66_000
    await vi.waitFor(async () => expect(await count()).toBe(501), { timeout: 30_000 })
    await other.query('COMMIT')
    await other.end()
    await vi.waitFor(async () => expect(await count()).toBe(500), { timeout: 30_000 })
    const lasting = [...Array(500).keys()].map((name) => pcsIdOf(`lasting ${name}`))
    expect((await store.getMany(lasting)).every((found) => found !== undefined)).toBe(true)
  })

  it('keeps what has expired by a clock that is not trusted, and does not write over it', async () => {
    const now = (): number => Date.now() + 15 * DAY_MS
    const clock = { ...trusting(now), expiredMs: () => 0 }
    const store = await up(new RemoteStore(postgresServer(postgresAt(postgres), clock), clock))
    onTestFinished(() => store.close())
    await store.begin('generation', NO_LOGS)
    await store.complete()
    const first = entry('a')
    await store.putManyIfAbsent([first])
    // Two steps of the cleaner, each a second after the other, pass the whole table.
    await new Promise((resolve) => setTimeout(resolve, 2_500))
    expect(await sql('SELECT FROM dedup_entries WHERE length(id) = 32')).toHaveLength(1)
    const twin = entryOf(verdictOf('a', { content: 'other' }), now() + DAY_MS)
    expect((await store.putManyIfAbsent([twin]))[0]).toEqual(first)
  })
})

describe.skipIf(missing)('Postgres, by password and TLS', () => {
  it('lets in whom it should, as sslmode means it', async () => {
    const certificates = await makeCertificates('127.0.0.1')
    onTestFinished(() => certificates.remove())
    const servers: PostgresServer[] = []
    const start = async (options: PostgresOptions): Promise<PostgresServer> => {
      const server = await startPostgres({ password: 's3cret', ...options })
      servers.push(server)
      return server
    }
    onTestFinished(async () => {
      await Promise.all(servers.map((server) => server.close()))
    })
    const [plain, secure] = [await start({}), await start({ tls: certificates, tlsOnly: true })]
    const password = 's3cret'
    const ca = readFileSync(certificates.ca, 'utf8')
    const unchecked = { rejectUnauthorized: false, checkServerIdentity: () => undefined }
    const inside = async (server: PostgresServer, tls: PostgresConfig['tls']): Promise<void> => {
      await filled(postgresAt(server, { password, tls }))
    }
    await inside(plain, [false])
    await inside(plain, [unchecked, false])
    await inside(secure, [unchecked])
    await inside(secure, [unchecked, false])
    await inside(secure, [false, unchecked])
    await inside(secure, [{ ca }])
    const outside: [PostgresServer, Partial<PostgresConfig>, RegExp][] = [
      [plain, { password, tls: [unchecked] }, /reached/],
      [secure, { password, tls: [false] }, /let/],
      [secure, { password, tls: [{}] }, /reached/],
      [secure, { password: 'wr0ng', tls: [{ ca }] }, /let/],
      [plain, { tls: [false] }, /reached|let/],
    ]
    for (const [server, config, sentence] of outside) {
      const store = connected(postgresAt(server, config))
      await refusing(store, sentence)
      expect(JSON.stringify(store.state())).not.toContain('wr0ng')
    }
  }, 60_000)
})
