import { randomUUID } from 'node:crypto'
import type { ExpiryClock } from '@fractal-lba/runtime'
import type { LogSet } from '../index/log-set.js'
import {
  type Added,
  type Item,
  type Marker,
  NEVER_MS,
  NO_ROOM,
  type RemoteServer,
  type RemoteServerOptions,
  type Swap,
} from '../remote/remote-server.js'
import { GenerationLost, type StoreState } from '../store.js'
import { CheckedMasters, ownerOf } from './checked-masters.js'
import type { RedisConfig } from './redis-config.js'
import { RedisDeployment } from './redis-deployment.js'
import type { RedisCommand, Reply } from './redis-link.js'
import { completeCommand, markerKey, positionCommand } from './redis-marker.js'
import { beginMasters, fillOf, joinMarkers, lookAtMasters } from './redis-markers.js'
import { ACQUIRE_LEASE, ADD, RELEASE_LEASE, type Script, SET, SWAP } from './scripts.js'

const PREFIX = Buffer.from('flk:')
const KEEPER_KEY = Buffer.from('flk:keeper')
/** Redis keeps keys so much longer than they count, because it expires them by its own wall clock, which may be set. */
const SLACK_MS_MAX = 900_000
const SLACK_MS_MIN = 60_000

/** Redis 7: one master (also by Sentinel), or those of a cluster, each with a marker of its own. */
export class RedisServer implements RemoteServer {
  readonly backend = 'redis'
  readonly #clock: ExpiryClock
  readonly #deployment: RedisDeployment
  readonly #checked: CheckedMasters
  readonly #token = randomUUID()

  constructor(config: RedisConfig, { timeoutMs, clock, logger }: RemoteServerOptions) {
    this.#clock = clock
    this.#deployment = new RedisDeployment(config, timeoutMs, logger)
    this.#checked = new CheckedMasters(this.#deployment, config.replicasMin, clock)
  }

  async read(ids: readonly Buffer[]): Promise<(Buffer | undefined)[]> {
    const keys = ids.map(keyOf)
    const mget = (indexes: readonly number[]): RedisCommand => ['MGET', ...pick(keys, indexes)]
    return (await this.#checked.each(keys, { writes: false, commandFor: mget })).map(bytesOf)
  }

  async add(items: readonly Item[]): Promise<Added[]> {
    const earliestMs = this.#clock.earliestMs()
    const replies = await this.#script(ADD, items, (item) => [item.value, ttlOf(item, earliestMs)])
    const added = replies.map((reply) => (reply === 0 ? NO_ROOM : bytesOf(reply)))
    if (added.includes(NO_ROOM)) this.#deployment.noteFull()
    return added
  }

  async set(items: readonly Item[]): Promise<void> {
    const earliestMs = this.#clock.earliestMs()
    await this.#script(SET, items, (item) => [item.value, ttlOf(item, earliestMs)])
  }

  async swap(swaps: readonly Swap[]): Promise<boolean[]> {
    const earliestMs = this.#clock.earliestMs()
    const replies = await this.#script(SWAP, swaps, ({ expected, item }) => [
      expected ?? '',
      item?.value ?? '',
      item ? ttlOf(item, earliestMs) : '',
    ])
    return replies.map((reply) => reply === 1)
  }

  async marker(): Promise<Marker> {
    const { masters } = this.#deployment
    return joinMarkers(await lookAtMasters(masters, this.#checked.unchecked, this.#clock), masters.layout)
  }

  async adopt(generation: string): Promise<void> {
    const { masters } = this.#deployment
    const seen = await lookAtMasters(masters, this.#checked.unchecked, this.#clock)
    if (joinMarkers(seen, masters.layout).generation !== generation) {
      throw new GenerationLost('Redis is filled under another generation')
    }
    this.#checked.use(fillOf(generation, seen))
  }

  async begin(generation: string, logSet: LogSet): Promise<void> {
    const { masters } = this.#deployment
    const seen = await lookAtMasters(masters, this.#checked.unchecked, this.#clock)
    await beginMasters(seen, { generation, logSet }, masters.layout, this.#checked.unchecked)
    this.#checked.use(fillOf(generation, seen))
  }

  complete(): Promise<void> {
    return this.#setMarkers((key, generation) => completeCommand(key, generation))
  }

  setPosition(logId: string, nextSequence: number): Promise<void> {
    return this.#setMarkers((key, generation) => positionCommand(key, generation, logId, nextSequence))
  }

  async acquireLease(forMs: number): Promise<boolean> {
    const [claimed] = await this.#keeper(['EVALSHA', ACQUIRE_LEASE.sha1, 1, KEEPER_KEY, this.#token, forMs])
    return claimed === 1
  }

  async releaseLease(): Promise<void> {
    await this.#keeper(['EVALSHA', RELEASE_LEASE.sha1, 1, KEEPER_KEY, this.#token])
  }

  state(): StoreState {
    return this.#deployment.state()
  }

  close(): Promise<void> {
    return this.#deployment.close()
  }

  /** Changes the marker on each master, after what was written there before: a marker never claims a lost write. */
  async #setMarkers(commandFor: (key: string, generation: string) => RedisCommand): Promise<void> {
    const { generation } = this.#checked
    await Promise.all(
      this.#deployment.masters.list.map(async (master) => {
        const command = commandFor(markerKey(master.tag), generation)
        const [reply] = await this.#checked.run(master, [command], { writes: true })
        this.#checked.demand(master, reply)
      }),
    )
  }

  #script<Part extends { readonly id: Buffer }>(
    { sha1 }: Script,
    parts: readonly Part[],
    argumentsFor: (part: Part) => readonly (Buffer | string | number)[],
  ): Promise<Reply[]> {
    const keys = parts.map(({ id }) => keyOf(id))
    const commandFor = (indexes: readonly number[]): RedisCommand => [
      'EVALSHA',
      sha1,
      indexes.length,
      ...pick(keys, indexes),
      ...pick(parts, indexes).flatMap(argumentsFor),
    ]
    return this.#checked.each(keys, { writes: true, commandFor })
  }

  #keeper(command: RedisCommand): Promise<readonly Reply[]> {
    return this.#checked.unchecked(ownerOf(this.#deployment.masters, KEEPER_KEY), [command])
  }
}

function keyOf(id: Buffer): Buffer {
  return Buffer.concat([PREFIX, id])
}

/** Milliseconds that Redis keeps it; empty: for ever. */
function ttlOf({ expiresAtMs }: Item, earliestMs: number): number | '' {
  if (expiresAtMs === NEVER_MS) return ''
  const leftMs = Math.max(0, expiresAtMs - earliestMs)
  return Math.ceil(leftMs + Math.min(SLACK_MS_MAX, SLACK_MS_MIN + leftMs))
}

function pick<T>(all: readonly T[], indexes: readonly number[]): readonly T[] {
  // Nearly always all of them.
  if (indexes.length === all.length) return all
  return indexes.flatMap((index) => all.slice(index, index + 1))
}

function bytesOf(reply: Reply | undefined): Buffer | undefined {
  return Buffer.isBuffer(reply) ? reply : undefined
}
