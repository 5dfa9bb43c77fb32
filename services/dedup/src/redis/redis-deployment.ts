import { type AppError, type Logger, unavailable } from '@fractal-lba/runtime'
import { Backoff, pause } from '../pause.js'
import { UnsuitableServer } from '../remote/unsuitable-server.js'
import type { StoreState } from '../store.js'
import type { RedisConfig } from './redis-config.js'
import { type RedisInfo, readInfo } from './redis-info.js'
import { RefusedCommand } from './redis-link.js'
import { type RedisMaster, RedisMasters } from './redis-masters.js'

const LOOK_EVERY_MS = 1_000
const RETRY_FIRST_MS = 50
const RETRY_MOST_MS = 1_000
const MAJOR_MIN = 7
const FULL = 'Redis has reached its maxmemory and takes no further id; raise it'

/**
 * The connections to a deployment's masters, made anew in the background after every failure: meanwhile nothing
 * waits, every operation fails at once. Looks once a second whether the servers are what they must be.
 */
export class RedisDeployment {
  readonly #config: RedisConfig
  readonly #timeoutMs: number
  readonly #logger: Logger
  readonly #closing = new AbortController()
  readonly #maintained: Promise<void>
  #masters: RedisMasters | undefined
  #why = 'Redis has not been reached yet'
  #loggedWhy = ''
  #remembered = 0
  #refusal: string | undefined
  #dropped = new AbortController()

  constructor(config: RedisConfig, timeoutMs: number, logger: Logger) {
    this.#config = config
    this.#timeoutMs = timeoutMs
    this.#logger = logger
    this.#maintained = this.#maintain()
  }

  /** @throws AppError unavailable while they cannot be asked. */
  get masters(): RedisMasters {
    if (!this.#masters) throw unavailable(this.#why)
    return this.#masters
  }

  /** Gives up the connections, which are made again, if this master is (still) one of them. */
  drop(master: RedisMaster, why: Error): AppError {
    const masters = this.#masters
    if (masters?.list.includes(master)) {
      this.#lose(why)
      masters.close()
      this.#dropped.abort()
    }
    return unavailable(sentenceFor(why), why)
  }

  /** Called when a server has refused a write for lack of memory. */
  noteFull(): void {
    this.#refusal = FULL
  }

  state(): StoreState {
    const up = this.#masters !== undefined
    return { up, remembered: this.#remembered, refusal: up ? this.#refusal : this.#why }
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#dropped.abort()
    await this.#maintained
    this.#masters?.close()
    this.#masters = undefined
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

  /** @returns whether they can be asked. */
  async #look(): Promise<boolean> {
    const { places, access } = this.#config
    let masters = this.#masters
    try {
      masters ??= await RedisMasters.find(places, access, this.#timeoutMs)
      await this.#inspect(masters)
      if (!(await masters.areCurrent())) throw new Error('other servers are masters now')
    } catch (error) {
      masters?.close()
      this.#lose(error instanceof Error ? error : new Error(String(error)))
      return false
    }
    if (!this.#masters && !this.#closing.signal.aborted) {
      this.#masters = masters
      this.#dropped = new AbortController()
      this.#loggedWhy = ''
      this.#logger.info({ masters: masters.list.map(({ link }) => link.address) }, 'Redis can be asked')
    }
    return true
  }

  #lose(why: Error): void {
    this.#masters = undefined
    this.#why = sentenceFor(why)
    if (this.#loggedWhy === this.#why || this.#closing.signal.aborted) return
    this.#loggedWhy = this.#why
    this.#logger.warn({ why: why.message }, 'Redis cannot be asked')
  }

  /** @throws UnsuitableServer with a sentence that says what to do. */
  async #inspect(masters: RedisMasters): Promise<void> {
    let remembered = 0
    let refusal: string | undefined
    for (const { link } of masters.list) {
      const [text, size] = await link.run([['INFO'], ['DBSIZE']])
      if (text instanceof RefusedCommand) throw text
      const info = readInfo(String(text))
      this.#demandFit(info)
      if (info.limitBytes > 0 && info.usedBytes >= info.limitBytes) refusal = FULL
      if (info.replicas < this.#config.replicasMin) refusal ??= tooFewReplicas(this.#config.replicasMin)
      remembered += Number(size)
    }
    this.#remembered = remembered
    this.#refusal = refusal
  }

  #demandFit({ version, isMaster, isCluster, evictionPolicy }: RedisInfo): void {
    const { allowEviction, places } = this.#config
    if (Number.parseInt(version, 10) < MAJOR_MIN) {
      throw new UnsuitableServer(`Redis ${version} is too old: version ${MAJOR_MIN} or newer is needed`)
    }
    if (!isMaster) throw new UnsuitableServer('this Redis is a replica, and only a master may be written')
    if (isCluster !== (places.kind === 'cluster')) {
      throw new UnsuitableServer(
        isCluster
          ? 'this Redis is part of a cluster: set REDIS_CLUSTER=true'
          : 'REDIS_CLUSTER is set, and this Redis is not part of a cluster',
      )
    }
    if (evictionPolicy !== 'noeviction' && !allowEviction) {
      throw new UnsuitableServer(
        `this Redis forgets ids when it is full (maxmemory-policy ${evictionPolicy}): set it to noeviction, or accept that by REDIS_ALLOW_EVICTION=true`,
      )
    }
  }
}

export function tooFewReplicas(replicasMin: number): string {
  return `Redis has fewer replicas that keep up than REDIS_MIN_REPLICAS=${replicasMin}`
}

/** A sentence without details, which may go to any caller: they may hold secrets. */
export function sentenceFor(why: Error): string {
  if (why instanceof UnsuitableServer) return why.message
  if (!(why instanceof RefusedCommand)) return 'Redis cannot be reached, or does not answer in time'
  switch (why.code) {
    case 'OOM':
      return FULL
    case 'READONLY':
      return 'this Redis is a replica, and only a master may be written'
    case 'NOREPLICAS':
      return 'Redis refuses writes: fewer replicas keep up than its min-replicas-to-write'
    case 'LOADING':
      return 'Redis is still loading its data'
    case 'MISCONF':
      return 'Redis refuses writes, because it cannot save to its disk'
    case 'NOAUTH':
    case 'WRONGPASS':
    case 'NOPERM':
      return 'Redis does not let this user in, or not do this'
    default:
      return `Redis refuses: ${why.code}`
  }
}
