import { DatabaseError, Pool, type PoolClient, type PoolConfig } from 'pg'
import { UnsuitableServer } from '../remote/unsuitable-server.js'
import type { PostgresConfig, TlsAttempt } from './postgres-config.js'
import { PostgresBusy, PostgresDown } from './postgres-errors.js'

/** A statement that every connection prepares once. */
export interface Statement {
  readonly name: string
  readonly text: string
}

/** A bytea comes as bytes, a bigint as text. */
type Column = string | number | boolean | Buffer | null
export type Row = readonly Column[]
export type Value = string | number | Buffer | null | readonly (string | number | Buffer | null)[]

const IDLE_MS = 30_000
/** What pg-pool says when no connection was given back in time; one that could not be made has another message. */
const WAITED_FOR_NOTHING = 'timeout exceeded when trying to connect'
const IDLE_IN_TRANSACTION_MS = 5_000

/** A bounded number of connections to one server, each given up as soon as it does not answer. */
export class PostgresPool {
  readonly #pool: Pool
  readonly #timeoutMs: number

  constructor(config: PostgresConfig, tls: TlsAttempt, timeoutMs: number) {
    this.#timeoutMs = timeoutMs
    this.#pool = new Pool(poolConfig(config, tls, timeoutMs))
    // An idle connection has failed; the pool has removed it already.
    this.#pool.on('error', () => undefined)
    // The pool does not listen while a connection is in use, and an error without a listener would end the process.
    // The statement under way, or the next one, fails with it.
    this.#pool.on('connect', (client) => client.on('error', () => undefined))
  }

  /** One statement, in its own transaction. @throws DatabaseError as the server says; PostgresBusy; PostgresDown */
  async query(statement: Statement, values: readonly Value[] = []): Promise<Row[]> {
    return this.#using(this.#timeoutMs, async (client) => {
      const { rows } = await client.query<Column[], Value[]>({
        ...statement,
        values: [...values],
        rowMode: 'array',
      })
      return rows
    })
  }

  /** Several statements on one connection, with more time. */
  script(work: (run: (text: string) => Promise<Row[]>) => Promise<void>, timeoutMs: number): Promise<void> {
    return this.#using(timeoutMs, (client) =>
      work(async (text) => {
        const { rows } = await client.query<Column[]>({ text, rowMode: 'array' })
        return rows
      }),
    )
  }

  /** Lets go of all connections; those in use as soon as they are given back. */
  close(): Promise<void> {
    return this.#pool.end()
  }

  async #using<T>(timeoutMs: number, work: (client: PoolClient) => Promise<T>): Promise<T> {
    const client = await this.#connect()
    try {
      const result = await inTime(work(client), timeoutMs)
      client.release()
      return result
    } catch (error) {
      // What the server has answered leaves the connection as it was; anything else may answer late.
      if (error instanceof DatabaseError && error.severity === 'ERROR' && error.code !== '25006')
        client.release()
      else client.release(true)
      throw error instanceof DatabaseError || error instanceof UnsuitableServer ? error : asDown(error)
    }
  }

  async #connect(): Promise<PoolClient> {
    try {
      return await this.#pool.connect()
    } catch (error) {
      if (error instanceof Error && error.message === WAITED_FOR_NOTHING)
        throw new PostgresBusy(error.message)
      throw error instanceof DatabaseError ? error : asDown(error)
    }
  }
}

function poolConfig(config: PostgresConfig, tls: TlsAttempt, timeoutMs: number): PoolConfig {
  const { host, port, user, password, database, applicationName, options, connectTimeoutMs } = config
  return {
    ...{ host, port, user, database, ssl: tls, application_name: applicationName },
    ...(password === undefined ? {} : { password }),
    // A commit that was answered must be on the disk: after a crash of the server nobody checks it again.
    options: `${options === undefined ? '' : `${options} `}-c synchronous_commit=on`,
    max: config.connectionsMax,
    connectionTimeoutMillis: Math.min(timeoutMs, connectTimeoutMs ?? timeoutMs),
    idleTimeoutMillis: IDLE_MS,
    // Shorter than this side's time-out, so that an error tells a waiting statement from a server that hangs.
    statement_timeout: Math.ceil(timeoutMs * 0.8),
    lock_timeout: Math.ceil(timeoutMs * 0.6),
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    keepAlive: true,
  }
}

function asDown(error: unknown): PostgresDown {
  if (error instanceof PostgresDown) return error
  return new PostgresDown(error instanceof Error ? error.message : String(error))
}

function inTime<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = (): void => reject(new PostgresDown(`no answer within ${timeoutMs} ms`))
    // Where this process itself was late, the answer may be here already, and is read before the immediate.
    const timer = setTimeout(() => setImmediate(late), timeoutMs)
    work.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
