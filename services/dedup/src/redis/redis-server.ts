import { randomUUID } from 'node:crypto'
import type { Clock, Logger } from '@fractal-lba/runtime'
import { NotHeld } from '../generation-lost.js'
import {
  type Added,
  type Item,
  type Marker,
  NEVER_MS,
  NO_ROOM,
  type RemoteServer,
  type Swap,
} from '../remote/remote-server.js'
import type { StoreState } from '../store.js'
import { HeldMasters, ownerOf } from './checked-masters.js'
import type { RedisConfig } from './redis-config.js'
import { RedisDeployment } from './redis-deployment.js'
import type { RedisCommand, Reply } from './redis-link.js'
import { completeCommand, markerKey, positionCommand } from './redis-marker.js'
import { beginMasters, holdOf, joinMarkers, lookAtMasters } from './redis-markers.js'
import { ADD, CLAIM, RELEASE, type Script, SET, SWAP } from './scripts.js'

const PREFIX = Buffer.from('flk:')
const KEEPER_KEY = Buffer.from('flk:keeper')
/** Redis keeps everything so much longer than it counts: it goes by its own wall clock, which may be set. */
const SLACK_MS_MAX = 900_000
const SLACK_MS_MIN = 60_000

export interface RedisServerOptions {
  readonly timeoutMs: number
  readonly now: Clock
  readonly logger: Logger
}

/** Redis 7: one master (also by Sentinel), or those of a cluster, each with a marker of its own. */
export class RedisServer implements RemoteServer {
  readonly backend = 'redis'
  readonly #now: Clock
  readonly #deployment: RedisDeployment
  readonly #held: HeldMasters
  readonly #token = randomUUID()

  constructor(config: RedisConfig, { timeoutMs, now, logger }: RedisServerOptions) {
    this.#now = now
    this.#deployment = new RedisDeployment(config, timeoutMs, logger)
    this.#held = new HeldMasters(this.#deployment, config.replicasMin, now)
  }

  async read(ids: readonly Buffer[]): Promise<(Buffer | undefined)[]> {
    const keys = ids.map(keyOf)
    const mget = (indexes: readonly number[]): RedisCommand => ['MGET', ...pick(keys, indexes)]
    return (await this.#held.each(keys, { writes: false, commandFor: mget })).map(bytesOf)
  }

  async add(items: readonly Item[], nowMs: number): Promise<Added[]> {
    const replies = await this.#script(ADD, items, (item) => [item.value, ttlOf(item, nowMs)])
    const added = replies.map((reply) => (reply === 0 ? NO_ROOM : bytesOf(reply)))
    if (added.includes(NO_ROOM)) this.#deployment.sayFull()
    return added
  }

  async set(items: readonly Item[]): Promise<void> {
    const nowMs = this.#now()
    await this.#script(SET, items, (item) => [item.value, ttlOf(item, nowMs)])
  }

  async swap(swaps: readonly Swap[]): Promise<boolean[]> {
    const nowMs = this.#now()
    const replies = await this.#script(SWAP, swaps, ({ expected, item }) => [
      expected ?? '',
      item?.value ?? '',
      item ? ttlOf(item, nowMs) : '',
    ])
    return replies.map((reply) => reply === 1)
  }

  async marker(): Promise<Marker> {
    const { masters } = this.#deployment
    return joinMarkers(await lookAtMasters(masters, this.#held.bare, this.#now), masters.layout)
  }

  async adopt(generation: string): Promise<void> {
    const { masters } = this.#deployment
    const seen = await lookAtMasters(masters, this.#held.bare, this.#now)
    if (joinMarkers(seen, masters.layout).generation !== generation) {
      throw new NotHeld('Redis is held under another generation')
    }
    this.#held.hold(holdOf(generation, seen))
  }

  async begin(generation: string): Promise<void> {
    const { masters } = this.#deployment
    const seen = await lookAtMasters(masters, this.#held.bare, this.#now)
    await beginMasters(seen, generation, masters.layout, this.#held.bare)
    this.#held.hold(holdOf(generation, seen))
  }

  complete(): Promise<void> {
    return this.#mark((key, generation) => completeCommand(key, generation))
  }

  setPosition(logId: string, nextSequence: number): Promise<void> {
    return this.#mark((key, generation) => positionCommand(key, generation, logId, nextSequence))
  }

  async claim(forMs: number): Promise<boolean> {
    const [claimed] = await this.#keeper(['EVALSHA', CLAIM.sha1, 1, KEEPER_KEY, this.#token, forMs])
    return claimed === 1
  }

  async release(): Promise<void> {
    await this.#keeper(['EVALSHA', RELEASE.sha1, 1, KEEPER_KEY, this.#token])
  }

  state(): StoreState {
    return this.#deployment.state()
  }

  close(): Promise<void> {
    return this.#deployment.close()
  }

  /** On all masters, after everything that was written before: what a master has lost, its marker does not claim. */
  async #mark(commandFor: (key: string, generation: string) => RedisCommand): Promise<void> {
    const { generation } = this.#held
    await Promise.all(
      this.#deployment.masters.list.map(async (master) => {
        const command = commandFor(markerKey(master.tag), generation)
        const [reply] = await this.#held.run(master, [command], { writes: true })
        this.#held.demand(master, reply)
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
    return this.#held.each(keys, { writes: true, commandFor })
  }

  #keeper(command: RedisCommand): Promise<readonly Reply[]> {
    return this.#held.bare(ownerOf(this.#deployment.masters, KEEPER_KEY), [command])
  }
}

function keyOf(id: Buffer): Buffer {
  return Buffer.concat([PREFIX, id])
}

/** Milliseconds that Redis keeps it; empty: for ever. */
function ttlOf({ expiresAtMs }: Item, nowMs: number): number | '' {
  if (expiresAtMs === NEVER_MS) return ''
  const leftMs = Math.max(0, expiresAtMs - nowMs)
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
