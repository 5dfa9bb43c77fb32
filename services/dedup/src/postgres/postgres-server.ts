import { randomUUID } from 'node:crypto'
import { unavailable } from '@fractal-lba/runtime'
import { NotHeld } from '../generation-lost.js'
import type { Added, Item, Marker, RemoteServer, Swap } from '../remote/remote-server.js'
import type { StoreState } from '../store.js'
import type { PostgresConfig } from './postgres-config.js'
import { type DeploymentOptions, PostgresDeployment } from './postgres-deployment.js'
import type { Row, Statement, Value } from './postgres-pool.js'
import * as statements from './statements.js'

/** The generation as bytes, and what the table was when this process began or adopted it. */
type Hold = readonly [generation: Buffer, incarnation: string]

/** Postgres 14 or newer: two tables, and each operation one statement. */
export class PostgresServer implements RemoteServer {
  readonly backend = 'postgres'
  readonly #deployment: PostgresDeployment
  readonly #token = randomUUID()
  #hold: Hold | undefined

  constructor(config: PostgresConfig, options: DeploymentOptions) {
    this.#deployment = new PostgresDeployment(config, options)
  }

  async read(ids: readonly Buffer[]): Promise<(Buffer | undefined)[]> {
    const found = byId(await this.#held(statements.READ, [ids]))
    return ids.map((id) => found.get(keyOf(id)))
  }

  async add(items: readonly Item[], nowMs: number): Promise<Added[]> {
    const found = byId(await this.#held(statements.ADD, [...columns(items), Math.floor(nowMs)]))
    return items.map(({ id, value }) => {
      const standing = found.get(keyOf(id))
      // Postgres answers with what stands, whoever put it.
      if (!standing) throw unavailable('Postgres has not said what stands')
      return standing.equals(value) ? undefined : standing
    })
  }

  async set(items: readonly Item[]): Promise<void> {
    await this.#held(statements.SET, columns(items))
  }

  async swap(swaps: readonly Swap[]): Promise<boolean[]> {
    const sorted = [...swaps].sort(byIdOrder)
    const rows = await this.#held(statements.SWAP, [
      sorted.map(({ id }) => id),
      sorted.map(({ expected }) => expected ?? null),
      sorted.map(({ item }) => item?.value ?? null),
      sorted.map(({ item }) => (item ? Math.floor(item.expiresAtMs) : null)),
    ])
    const made = new Set(rows.flatMap(([id]) => (Buffer.isBuffer(id) ? [keyOf(id)] : [])))
    return swaps.map(({ id }) => made.has(keyOf(id)))
  }

  async marker(): Promise<Marker> {
    return (await this.#look()).marker
  }

  async adopt(generation: string): Promise<void> {
    const { marker, incarnation } = await this.#look()
    if (marker.generation !== generation) throw new NotHeld('Postgres is held under another generation')
    this.#hold = [Buffer.from(generation), incarnation]
  }

  async begin(generation: string): Promise<void> {
    this.#hold = undefined
    const bytes = Buffer.from(generation)
    const [row] = await this.#deployment.query(statements.BEGIN, [bytes])
    this.#hold = [bytes, String(row?.[0])]
  }

  async complete(): Promise<void> {
    await this.#demandRow(statements.COMPLETE)
  }

  async setPosition(logId: string, nextSequence: number): Promise<void> {
    await this.#demandRow(statements.POSITION, [JSON.stringify({ [logId]: nextSequence })])
  }

  async claim(forMs: number): Promise<boolean> {
    return (await this.#deployment.query(statements.CLAIM, [this.#token, forMs])).length > 0
  }

  async release(): Promise<void> {
    await this.#deployment.query(statements.RELEASE, [this.#token])
  }

  state(): StoreState {
    return this.#deployment.state()
  }

  close(): Promise<void> {
    return this.#deployment.close()
  }

  async #look(): Promise<{ readonly marker: Marker; readonly incarnation: string }> {
    const [row] = await this.#deployment.query(statements.MARKER)
    const [generation, incarnation, complete, begun, positions] = row ?? []
    const isIntact = complete === true && incarnation === begun
    return {
      marker: { generation: isIntact ? String(generation) : '', positions: readPositions(positions) },
      incarnation: String(incarnation),
    }
  }

  /** A statement whose rows count only if the table is held; the row that says so is left out. */
  async #held(statement: Statement, values: readonly Value[]): Promise<Row[]> {
    const rows = await this.#deployment.query(statement, [...this.#demandHold(), ...values])
    const counting = rows.filter(([id]) => id !== null)
    if (counting.length === rows.length) throw notHeld()
    return counting
  }

  async #demandRow(statement: Statement, values: readonly Value[] = []): Promise<void> {
    const rows = await this.#deployment.query(statement, [...this.#demandHold(), ...values])
    if (rows.length === 0) throw notHeld()
  }

  #demandHold(): Hold {
    if (!this.#hold) throw new NotHeld('the store has not been filled yet')
    return this.#hold
  }
}

function notHeld(): NotHeld {
  return new NotHeld('Postgres is held under another generation, was emptied, set back or restarted')
}

/** Ids, values and expiries, in one order for all who write: so they wait for each other, and never in a circle. */
function columns(items: readonly Item[]): [Buffer[], Buffer[], number[]] {
  const sorted = [...items].sort(byIdOrder)
  return [
    sorted.map(({ id }) => id),
    sorted.map(({ value }) => value),
    sorted.map(({ expiresAtMs }) => Math.floor(expiresAtMs)),
  ]
}

function byIdOrder(a: { readonly id: Buffer }, b: { readonly id: Buffer }): number {
  return Buffer.compare(a.id, b.id)
}

function keyOf(id: Buffer): string {
  return id.toString('latin1')
}

function byId(rows: readonly Row[]): Map<string, Buffer> {
  const found = new Map<string, Buffer>()
  for (const [id, value] of rows)
    if (Buffer.isBuffer(id) && Buffer.isBuffer(value)) found.set(keyOf(id), value)
  return found
}

function readPositions(text: unknown): ReadonlyMap<string, number> {
  if (typeof text !== 'string') return new Map()
  const positions: unknown = JSON.parse(text)
  if (typeof positions !== 'object' || positions === null) return new Map()
  return new Map(Object.entries(positions).map(([logId, position]) => [logId, Number(position)]))
}
