import { type AppError, type Logger, unavailable } from '@fractal-lba/runtime'
import { Backoff, pause } from '../pause.js'
import type { RemoteServerOptions } from '../remote/remote-server.js'
import { UnsuitableServer } from '../remote/unsuitable-server.js'
import type { StoreState } from '../store.js'
import { Cleaner } from './cleaner.js'
import type { PostgresConfig } from './postgres-config.js'
import { isAboutTls, isDown, sentenceFor } from './postgres-errors.js'
import { PostgresPool, type Row, type Statement, type Value } from './postgres-pool.js'
import { migrate } from './schema.js'
import { LOOK } from './statements.js'

const LOOK_EVERY_MS = 1_000
const RETRY_FIRST_MS = 50
const RETRY_MOST_MS = 1_000
const MIGRATION_MS_MAX = 30_000
const VERSION_MIN = 140_000

/**
 * The connections to a server, given up together when it does not answer and made again in the background: meanwhile
 * nothing waits, every statement fails at once. Looks once a second whether the server is what it must be, and
 * removes what has expired.
 */
export class PostgresDeployment {
  readonly #config: PostgresConfig
  readonly #timeoutMs: number
  readonly #logger: Logger
  readonly #cleaner: Cleaner
  readonly #closing = new AbortController()
  readonly #maintained: Promise<void>
  #attempt = 0
  #pool: PostgresPool | undefined
  #why = 'Postgres has not been reached yet'
  #loggedWhy = ''
  #remembered = 0
  #dropped = new AbortController()

  constructor(config: PostgresConfig, { timeoutMs, clock, logger }: RemoteServerOptions) {
    this.#config = config
    this.#timeoutMs = timeoutMs
    this.#logger = logger
    this.#cleaner = new Cleaner(clock)
    this.#maintained = this.#maintain()
  }

  /** One statement, in its own transaction. @throws AppError unavailable */
  async query(statement: Statement, values: readonly Value[] = []): Promise<Row[]> {
    const pool = this.#pool
    if (!pool) throw unavailable(this.#why)
    try {
      return await pool.query(statement, values)
    } catch (error) {
      throw this.#failure(pool, error)
    }
  }

  state(): StoreState {
    const up = this.#pool !== undefined
    return { up, remembered: this.#remembered, refusal: up ? undefined : this.#why }
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#dropped.abort()
    await this.#maintained
    await this.#pool?.close()
    this.#pool = undefined
  }

  #failure(pool: PostgresPool, error: unknown): AppError {
    if (isDown(error) && this.#pool === pool) {
      this.#lose(pool, error)
      this.#dropped.abort()
    }
    return unavailable(sentenceFor(error), error)
  }

  async #maintain(): Promise<void> {
    const backoff = new Backoff(RETRY_FIRST_MS, RETRY_MOST_MS)
    while (!this.#closing.signal.aborted) {
      if (await this.#look()) {
        backoff.reset()
        await pause(LOOK_EVERY_MS, this.#dropped.signal)
      } else {
        await pause(backoff.next(), this.#closing.signal)
      }
    }
  }

  /** @returns whether it can be asked. */
  async #look(): Promise<boolean> {
    const pool = this.#pool ?? this.#open()
    try {
      if (!this.#pool) await pool.script(migrate, MIGRATION_MS_MAX)
      const blocks = await this.#inspect(pool)
      if (!this.#pool) this.#gain(pool)
      await this.#cleaner.step(pool, blocks)
      return true
    } catch (error) {
      if (this.#pool && !isDown(error)) {
        this.#logger.warn({ why: String(error) }, 'Postgres could not be looked at')
        return true
      }
      // With sslmode=prefer or allow the next attempt goes with, or without, TLS.
      if (isAboutTls(error)) this.#attempt += 1
      this.#lose(pool, error)
      return false
    }
  }

  #open(): PostgresPool {
    const { tls } = this.#config
    return new PostgresPool(this.#config, tls[this.#attempt % tls.length] ?? false, this.#timeoutMs)
  }

  /** @returns how many blocks the table has. @throws UnsuitableServer with a sentence that says what to do. */
  async #inspect(pool: PostgresPool): Promise<number> {
    const [row] = await pool.query(LOOK)
    if (!row) throw new UnsuitableServer('Postgres has lost its tables')
    const [isWritable, version, rows, blocks] = row
    if (isWritable !== true)
      throw new UnsuitableServer('Postgres takes no writes here: it is a standby, or read-only')
    if (Number(version) < VERSION_MIN) throw new UnsuitableServer('Postgres 14 or newer is needed')
    this.#remembered = Number(rows)
    return Number(blocks)
  }

  #gain(pool: PostgresPool): void {
    if (this.#closing.signal.aborted) {
      this.#letGo(pool)
      return
    }
    this.#pool = pool
    this.#dropped = new AbortController()
    this.#loggedWhy = ''
    const { host, port, database } = this.#config
    this.#logger.info({ host, port, database }, 'Postgres can be asked')
  }

  #lose(pool: PostgresPool, error: unknown): void {
    this.#pool = undefined
    this.#letGo(pool)
    this.#why = sentenceFor(error)
    if (this.#loggedWhy === this.#why || this.#closing.signal.aborted) return
    this.#loggedWhy = this.#why
    this.#logger.warn(
      { why: error instanceof Error ? error.message : String(error) },
      'Postgres cannot be asked',
    )
  }

  #letGo(pool: PostgresPool): void {
    pool.close().catch((error: unknown) => {
      this.#logger.warn({ why: String(error) }, 'a connection to Postgres could not be closed')
    })
  }
}
