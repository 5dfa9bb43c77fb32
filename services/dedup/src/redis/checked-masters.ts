import { type ExpiryClock, unavailable } from '@fractal-lba/runtime'
import { GenerationLost } from '../store.js'
import { type RedisDeployment, sentenceFor, tooFewReplicas } from './redis-deployment.js'
import { readReplication } from './redis-info.js'
import { LinkLost, partsOf, type RedisCommand, RefusedCommand, type Reply } from './redis-link.js'
import { markerKey, serverClockMs } from './redis-marker.js'
import type { Run } from './redis-markers.js'
import type { RedisMaster, RedisMasters } from './redis-masters.js'

/**
 * Redis expires keys by its wall clock, and is told to keep them longer than they count (redis-server.ts): a jump
 * shorter than this removes nothing too early.
 */
const CLOCK_JUMP_MS = 30_000
/** The reply of a cluster that is moving keys: the master that has the key now. */
const ASK = /^ASK \d+ (\S+)$/

/** Refusals after which new connections may help: another server is master now, or this one lacks the scripts. */
const ELSEWHERE = new Set(['READONLY', 'MOVED', 'ASK', 'CLUSTERDOWN', 'MASTERDOWN', 'LOADING', 'NOSCRIPT'])

/**
 * The state of each master, by its tag, when this process began or adopted the generation; its clock by the monotonic one
 * here, which nobody sets.
 */
export interface Fill {
  readonly generation: string
  readonly masters: ReadonlyMap<string, { readonly replicationId: string; readonly clockAheadMs: number }>
}

/** A command for many keys, which replies with a list. */
export interface BatchCommand {
  /** A write needs REDIS_MIN_REPLICAS replicas that keep up. */
  readonly writes: boolean
  /** @param indexes of the keys that it is for. */
  commandFor(indexes: readonly number[]): RedisCommand
}

/**
 * Runs commands on the masters, and checks in the same round trip, after them, that each master is still the one that
 * was filled under this process's generation: an emptied one has no marker, a restarted or failed-over one has another
 * replication id, and one whose clock has jumped may have removed keys too early. Replies are used only if it is.
 */
export class CheckedMasters {
  readonly #deployment: RedisDeployment
  readonly #replicasMin: number
  readonly #clock: ExpiryClock
  #fill: Fill | undefined

  constructor(deployment: RedisDeployment, replicasMin: number, clock: ExpiryClock) {
    this.#deployment = deployment
    this.#replicasMin = replicasMin
    this.#clock = clock
  }

  /** The generation that this process uses. @throws GenerationLost before there is one. */
  get generation(): string {
    return this.#demandFill().generation
  }

  /** Checks all further commands against this fill. */
  use(fill: Fill): void {
    this.#fill = fill
  }

  /**
   * Each key's part of a command, each at the master that has it, all in one round trip. @returns the reply for
   * each key. @throws GenerationLost, or AppError unavailable
   */
  async each(keys: readonly Buffer[], batch: BatchCommand): Promise<Reply[]> {
    const { masters } = this.#deployment
    const byMaster = new Map<RedisMaster, number[]>()
    for (const [index, key] of keys.entries()) {
      const master = ownerOf(masters, key)
      const indexes = byMaster.get(master)
      if (indexes) indexes.push(index)
      else byMaster.set(master, [index])
    }
    const replies: Reply[] = new Array(keys.length).fill(null)
    await Promise.all(
      [...byMaster].map(async ([master, indexes]) => {
        // Keys of several slots are not taken in one command.
        const groups = masters.isCluster ? indexes.map((index) => [index]) : [indexes]
        const commands = groups.map((group) => batch.commandFor(group))
        const answers = await this.run(master, commands, batch)
        for (const [place, group] of groups.entries()) {
          const answer = await this.#askElsewhere(masters, commands[place], answers[place], batch)
          const parts = partsOf(this.demand(master, answer))
          for (const [part, index] of group.entries()) replies[index] = parts[part] ?? null
        }
      }),
    )
    return replies
  }

  /** Commands to one master. @throws as each() */
  async run(
    master: RedisMaster,
    commands: readonly RedisCommand[],
    { writes }: Pick<BatchCommand, 'writes'>,
  ): Promise<Reply[]> {
    const { generation, masters } = this.#demandFill()
    const was = masters.get(master.tag)
    if (!was) throw new GenerationLost('the cluster has a master that was not filled')
    const replies = await this.#run(master, [
      ...commands,
      ['HGET', markerKey(master.tag), 'generation'],
      ['TIME'],
      ['INFO', 'replication'],
    ])
    const [marked, time, info] = replies.splice(commands.length)
    for (const reply of [marked, time, info]) this.demand(master, reply)
    const is = readReplication(String(info))
    if (String(marked) !== generation)
      throw new GenerationLost('Redis is filled under another generation, or was emptied')
    if (!is.isMaster || is.replicationId !== was.replicationId) {
      throw new GenerationLost('Redis was restarted or has failed over since it was filled')
    }
    const clockAheadMs = serverClockMs(time) - this.#clock.monotonicMs()
    if (!(Math.abs(clockAheadMs - was.clockAheadMs) < CLOCK_JUMP_MS)) {
      throw new GenerationLost('the clock of Redis has jumped, and it expires by it')
    }
    if (writes && is.replicas < this.#replicasMin) throw unavailable(tooFewReplicas(this.#replicasMin))
    return replies
  }

  /** Commands to one master without the check. @throws AppError unavailable when it refuses one of them. */
  readonly unchecked: Run = async (master, commands) => {
    const replies = await this.#run(master, commands)
    for (const reply of replies) this.demand(master, reply)
    return replies
  }

  /** The reply, unless it is a refusal. @throws AppError unavailable */
  demand(master: RedisMaster, reply: Reply | undefined): Exclude<Reply, RefusedCommand> {
    if (!(reply instanceof RefusedCommand)) return reply ?? null
    if (ELSEWHERE.has(reply.code)) throw this.#deployment.drop(master, reply)
    throw unavailable(sentenceFor(reply), reply)
  }

  async #run(master: RedisMaster, commands: readonly RedisCommand[]): Promise<Reply[]> {
    try {
      return await master.link.run(commands)
    } catch (error) {
      if (error instanceof LinkLost) throw this.#deployment.drop(master, error)
      throw error
    }
  }

  /** Follows an ASK reply: the key is being moved to another master. */
  async #askElsewhere(
    masters: RedisMasters,
    command: RedisCommand | undefined,
    reply: Reply | undefined,
    { writes }: Pick<BatchCommand, 'writes'>,
  ): Promise<Reply | undefined> {
    if (!(reply instanceof RefusedCommand) || !command) return reply
    const master = masters.at(ASK.exec(reply.message)?.[1] ?? '')
    if (!master) return reply
    const [, answer] = await this.run(master, [['ASKING'], command], { writes })
    return answer
  }

  #demandFill(): Fill {
    if (!this.#fill) throw new GenerationLost('the store has not been filled yet')
    return this.#fill
  }
}

/** The master that has a key. @throws AppError unavailable */
export function ownerOf(masters: RedisMasters, key: Buffer): RedisMaster {
  const master = masters.of(key)
  if (!master) throw unavailable('a part of the Redis cluster has no master')
  return master
}
