import type { wal } from '@fractal-lba/proto'
import type { Dependency, Logger } from '@fractal-lba/runtime'
import type { LogSet } from './log-set.js'
import type { WalLog } from './wal-log.js'

/** All logs, asked at once. */
export interface Survey {
  readonly reached: ReadonlyMap<WalLog, wal.GetStateResponse>
  readonly absent: readonly WalLog[]
}

/** The logs of this process, and which of them could be reached at the last try. */
export class LogReachability {
  /** Shared with whoever reads the logs: they come and go while the process runs. */
  readonly #logs: WalLog[]
  readonly #logger: Logger
  readonly #reached = new Map<WalLog, boolean>()
  readonly #ids = new Map<WalLog, string>()
  /** The ids of the logs when there was an index last. */
  #indexedIds: ReadonlyMap<WalLog, string> = new Map()
  /** For good, as far as this process knows: it lets go of them, and nobody else may tell it again. */
  readonly #retiredIds = new Set<string>()

  constructor(logs: WalLog[], logger: Logger) {
    this.#logs = logs
    this.#logger = logger
  }

  async survey(): Promise<Survey> {
    const reached = new Map<WalLog, wal.GetStateResponse>()
    const absent: WalLog[] = []
    await Promise.all(
      this.#logs.map(async (log) => {
        const state = await this.stateOf(log)
        if (state) reached.set(log, state)
        else absent.push(log)
      }),
    )
    return { reached, absent }
  }

  /** @returns undefined when it could not be asked. */
  async stateOf(log: WalLog): Promise<wal.GetStateResponse | undefined> {
    try {
      const state = await log.state()
      this.#ids.set(log, state.logId)
      this.note(log, true)
      return state
    } catch (error) {
      this.note(log, false, error)
      return undefined
    }
  }

  /** As it said when it was asked last; undefined: it never was. */
  idOf(log: WalLog): string | undefined {
    return this.#ids.get(log)
  }

  /** Logs only a change. */
  note(log: WalLog, reached: boolean, error?: unknown): void {
    const before = this.#reached.get(log)
    this.#reached.set(log, reached)
    if (before === reached || before === undefined) return
    if (reached) this.#logger.info(`the log at ${log.address} can be read again`)
    else this.#logger.warn({ why: String(error) }, `the log at ${log.address} cannot be read`)
  }

  add(log: WalLog): void {
    this.#logs.push(log)
  }

  giveUp(logId: string): void {
    this.#logger.error({ logId }, 'a lost log is given up: what only it held is in no log any more')
    this.#retiredIds.add(logId)
  }

  /** There is an index of these logs, under these ids. */
  indexed(logIds: ReadonlyMap<WalLog, string>): void {
    this.#indexedIds = logIds
  }

  /** Lets go of logs that are retired: nothing of them counts any more, whether they can be reached or not. */
  dropRetired({ reached, absent }: Survey, { retiredIds }: LogSet): Survey {
    for (const logId of retiredIds) this.#retiredIds.add(logId)
    const isRetired = (log: WalLog): boolean => retiredIds.has(this.#ids.get(log) ?? '')
    for (const log of this.#logs.filter(isRetired)) {
      this.#logger.info(`the log at ${log.address} is retired: WAL_ADDR need not name it any more`)
      this.#logs.splice(this.#logs.indexOf(log), 1)
      log.close()
    }
    return {
      reached: new Map([...reached].filter(([log]) => !isRetired(log))),
      absent: absent.filter((log) => !isRetired(log)),
    }
  }

  /**
   * Those that this process knows to be retired, among them those whose address leads to a new and different log now:
   * their disk was replaced, and they have no more marks.
   */
  retiredIds({ reached }: Survey, known: LogSet): ReadonlySet<string> {
    const ids = new Set([...reached.values()].map(({ logId }) => logId))
    for (const [log, lastId] of this.#indexedIds) {
      const logId = reached.get(log)?.logId
      if (logId === undefined || logId === lastId || ids.has(lastId) || known.logIds.has(logId)) continue
      if (this.#retiredIds.has(lastId)) continue
      this.#retiredIds.add(lastId)
      this.#logger.error(
        { was: lastId, is: logId },
        `the log at ${log.address} was replaced by another one: what only it held is in no log any more`,
      )
    }
    return this.#retiredIds
  }

  /** By name, for /ready. */
  dependencies(): Record<string, Dependency> {
    const states = this.#logs.map((log): [string, Dependency] => {
      const reached = this.#reached.get(log)
      const name = this.#logs.length === 1 ? 'wal' : `wal ${log.address}`
      return [name, { state: reached === undefined ? 'unknown' : reached ? 'up' : 'down' }]
    })
    return Object.fromEntries(states)
  }
}
