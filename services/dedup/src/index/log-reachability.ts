import type { wal } from '@fractal-lba/proto'
import type { Dependency, Logger } from '@fractal-lba/runtime'
import type { WalLog } from './wal-log.js'

/** All logs, asked at once. */
export interface Survey {
  readonly reached: ReadonlyMap<WalLog, wal.GetStateResponse>
  readonly absent: readonly WalLog[]
}

/** Which logs could be reached at the last try. */
export class LogReachability {
  readonly #logs: readonly WalLog[]
  readonly #logger: Logger
  readonly #reached = new Map<WalLog, boolean>()

  constructor(logs: readonly WalLog[], logger: Logger) {
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
      this.note(log, true)
      return state
    } catch (error) {
      this.note(log, false, error)
      return undefined
    }
  }

  /** Logs only a change. */
  note(log: WalLog, reached: boolean, error?: unknown): void {
    const before = this.#reached.get(log)
    this.#reached.set(log, reached)
    if (before === reached || before === undefined) return
    if (reached) this.#logger.info(`the log at ${log.address} can be read again`)
    else this.#logger.warn({ why: String(error) }, `the log at ${log.address} cannot be read`)
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
