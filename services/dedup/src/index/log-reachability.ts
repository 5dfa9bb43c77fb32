import type { Dependency, Logger } from '@fractal-lba/runtime'
import type { WalLog } from './wal-log.js'

/** Which logs could be reached at the last try. */
export class LogReachability {
  readonly #logs: readonly WalLog[]
  readonly #logger: Logger
  readonly #reached = new Map<WalLog, boolean>()

  constructor(logs: readonly WalLog[], logger: Logger) {
    this.#logs = logs
    this.#logger = logger
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
