import { randomUUID } from 'node:crypto'
import { unavailable } from '@fractal-lba/runtime'
import { type LogSet, logSetFrom, logSetText } from '../index/log-set.js'
import type { Added, Item, Marker, RemoteServer, RemoteServerOptions, Swap } from '../remote/remote-server.js'
import { GenerationLost, type StoreState } from '../store.js'
import type { PostgresConfig } from './postgres-config.js'
import { PostgresDeployment } from './postgres-deployment.js'
import type { Row, Statement, Value } from './postgres-pool.js'
import * as statements from './statements.js'

/** The generation as bytes, and the incarnation of the table when this process began or adopted it. */
type Fill = readonly [generation: Buffer, incarnation: string]

/** Postgres 14 or newer: two tables, and each operation one statement. */
export class PostgresServer implements RemoteServer {
  readonly backend = 'postgres'
  readonly #deployment: PostgresDeployment
  readonly #token = randomUUID()
  #fill: Fill | undefined

  constructor(config: PostgresConfig, options: RemoteServerOptions) {
    this.#deployment = new PostgresDeployment(config, options)
  }

  async read(ids: readonly Buffer[]): Promise<(Buffer | undefined)[]> {
    const found = byId(await this.#guarded(statements.READ, [ids]))
    return ids.map((id) => found.get(keyOf(id)))
  }

  async add(items: readonly Item[], expiredMs: number): Promise<Added[]> {
    const found = byId(await this.#guarded(statements.ADD, [...columns(items), Math.floor(expiredMs)]))
    return items.map(({ id, value }) => {
      const standing = found.get(keyOf(id))
      // The statement answers with the row that stands under each id, also where this call has put it.
      if (!standing) throw unavailable('Postgres has not answered what stands')
      return standing.equals(value) ? undefined : standing
    })
  }

  async set(items: readonly Item[]): Promise<void> {
    await this.#guarded(statements.SET, columns(items))
  }

  async swap(swaps: readonly Swap[]): Promise<boolean[]> {
    const sorted = [...swaps].sort(byIdOrder)
    const rows = await this.#guarded(statements.SWAP, [
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
    if (marker.generation !== generation)
      throw new GenerationLost('Postgres is filled under another generation')
    this.#fill = [Buffer.from(generation), incarnation]
  }

  async begin(generation: string, logSet: LogSet): Promise<void> {
    this.#fill = undefined
    const bytes = Buffer.from(generation)
    const [row] = await this.#deployment.query(statements.BEGIN, [bytes, logSetText(logSet)])
    this.#fill = [bytes, String(row?.[0])]
  }

  async complete(): Promise<void> {
    await this.#demandRow(statements.COMPLETE)
  }

  async setPosition(logId: string, nextSequence: number): Promise<void> {
    await this.#demandRow(statements.POSITION, [JSON.stringify({ [logId]: nextSequence })])
  }

  async acquireLease(forMs: number): Promise<boolean> {
    return (await this.#deployment.query(statements.ACQUIRE_LEASE, [this.#token, forMs])).length > 0
  }

  async releaseLease(): Promise<void> {
    await this.#deployment.query(statements.RELEASE_LEASE, [this.#token])
  }

  state(): StoreState {
    return this.#deployment.state()
  }

  close(): Promise<void> {
    return this.#deployment.close()
  }

  async #look(): Promise<{ readonly marker: Marker; readonly incarnation: string }> {
    const [row] = await this.#deployment.query(statements.MARKER)
    const [generation, incarnation, complete, begun, positions, logSet] = row ?? []
    const isIntact = complete === true && incarnation === begun
    return {
      marker: {
        generation: isIntact ? String(generation) : '',
        positions: readPositions(positions),
        logSet: logSetFrom(logSet),
      },
      incarnation: String(incarnation),
    }
  }

  /** Runs a statement that checks the fill itself. @returns its rows, without the row of nulls that confirms the fill. */
  async #guarded(statement: Statement, values: readonly Value[]): Promise<Row[]> {
    const rows = await this.#deployment.query(statement, [...this.#demandFill(), ...values])
    const counting = rows.filter(([id]) => id !== null)
    if (counting.length === rows.length) throw generationLost()
    return counting
  }

  async #demandRow(statement: Statement, values: readonly Value[] = []): Promise<void> {
    const rows = await this.#deployment.query(statement, [...this.#demandFill(), ...values])
    if (rows.length === 0) throw generationLost()
  }

  #demandFill(): Fill {
    if (!this.#fill) throw new GenerationLost('the store has not been filled yet')
    return this.#fill
  }
}

function generationLost(): GenerationLost {
  return new GenerationLost('Postgres is filled under another generation, was emptied, set back or restarted')
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
