import type { Logger } from '@fractal-lba/runtime'
import { pause } from '../pause.js'
import { type FillTools, follow } from './fill.js'
import type { LogReach } from './log-reachability.js'
import type { WalLog } from './wal-log.js'

/** What the index was when it became valid. */
export interface Held {
  readonly generation: string
  /** Of each log; a log that was waived is missing. */
  readonly logIds: ReadonlyMap<WalLog, string>
}

/** Why the index must be looked at again; contested: an index over another store has fenced the same log. */
export interface Loss {
  readonly why: string
  readonly contested: boolean
}

/** What goes on is mentioned this often. */
const SAY_AGAIN_MS = 30_000

const lost = (why: string, contested = false): Loss => ({ why, contested })

/** Watches an index that answers: whether it is still valid. Meanwhile it lets the store follow the marks. */
export class IndexWatch {
  readonly #logs: readonly WalLog[]
  readonly #tools: FillTools
  readonly #reach: LogReach
  readonly #logger: Logger
  readonly #highest = new Map<string, number>()
  #storeWasUp = true
  #sayAfterMs = 0

  constructor(logs: readonly WalLog[], tools: FillTools, reach: LogReach, logger: Logger) {
    this.#logs = logs
    this.#tools = tools
    this.#reach = reach
    this.#logger = logger
  }

  /** @returns why the index is not to be trusted any more; undefined when the signal was aborted. */
  async untilLost(
    held: Held,
    { everyMs, onTick }: { readonly everyMs: number; readonly onTick: () => void },
    stopping: AbortSignal,
  ): Promise<Loss | undefined> {
    this.#highest.clear()
    for (;;) {
      await pause(everyMs, stopping)
      if (stopping.aborted) return undefined
      onTick()
      const loss = await this.#look(held, stopping)
      if (loss || stopping.aborted) return loss
    }
  }

  /** A store that cannot be asked answers nobody; when it is back, it is asked first. */
  async #look(held: Held, stopping: AbortSignal): Promise<Loss | undefined> {
    const { store } = this.#tools
    try {
      const loss = await this.#lookAtStore(held.generation)
      if (loss) return loss
      const mayFollow = await store.claim()
      try {
        return await this.#lookAtLogs(held, mayFollow, stopping)
      } finally {
        if (mayFollow) await store.release()
      }
    } catch (error) {
      if (this.#storeWasUp) this.#logger.warn({ why: String(error) }, 'the store cannot be asked')
      this.#storeWasUp = false
      return undefined
    }
  }

  async #lookAtStore(generation: string): Promise<Loss | undefined> {
    const { store } = this.#tools
    if ((await store.heldGeneration()) !== generation) {
      return lost('the store was emptied, replaced or set back, or another process fills it')
    }
    for (const [logId, position] of await store.positions()) {
      if (position < (this.#highest.get(logId) ?? 0)) return lost('the store was set back to an older state')
      this.#highest.set(logId, position)
    }
    if (!this.#storeWasUp) this.#logger.info('the store can be asked again')
    this.#storeWasUp = true
    return undefined
  }

  async #lookAtLogs(held: Held, mayFollow: boolean, stopping: AbortSignal): Promise<Loss | undefined> {
    for (const log of this.#logs) {
      if (stopping.aborted) return undefined
      const logId = held.logIds.get(log)
      const loss =
        logId === undefined
          ? await this.#lookForWaived(log)
          : await this.#lookAtLog(log, logId, held.generation, mayFollow)
      if (loss) return loss
    }
    return undefined
  }

  async #lookForWaived(log: WalLog): Promise<Loss | undefined> {
    const state = await this.#stateOf(log)
    return state && lost(`the log at ${log.address}, which was waived, can be read`)
  }

  async #lookAtLog(
    log: WalLog,
    logId: string,
    generation: string,
    mayFollow: boolean,
  ): Promise<Loss | undefined> {
    const state = await this.#stateOf(log)
    if (!state) return undefined
    if (state.logId !== logId) return lost(`the log at ${log.address} is another one now`)
    if (state.generation === '') return lost(`the log has forgotten the fence at ${log.address}`)
    if (state.generation !== generation) return this.#whoFenced(log, generation)
    const position = (await this.#tools.store.positions()).get(logId) ?? 0
    if (state.nextSequence < position) {
      return lost(`the log at ${log.address} is shorter than what was read of it`)
    }
    if (mayFollow && state.nextSequence > position) await this.#follow(log, logId, generation)
    return undefined
  }

  /** A process that fills the same store says so in the store first. */
  async #whoFenced(log: WalLog, generation: string): Promise<Loss> {
    const isOurs = (await this.#tools.store.heldGeneration()) !== generation
    return isOurs
      ? lost('another process fills the index')
      : lost(`another index has fenced the log at ${log.address}`, true)
  }

  async #follow(log: WalLog, logId: string, generation: string): Promise<void> {
    try {
      await follow(log, logId, generation, this.#tools)
    } catch (error) {
      // Whoever it was, the next look tells.
      if (performance.now() < this.#sayAfterMs) return
      this.#sayAfterMs = performance.now() + SAY_AGAIN_MS
      this.#logger.warn(
        { why: String(error) },
        `the marks of the log at ${log.address} could not be followed`,
      )
    }
  }

  /** A log that cannot be asked marks nothing either; when it is back, it is asked first. */
  async #stateOf(log: WalLog): Promise<Awaited<ReturnType<WalLog['state']>> | undefined> {
    try {
      const state = await log.state()
      this.#reach.note(log, true)
      return state
    } catch (error) {
      this.#reach.note(log, false, error)
      return undefined
    }
  }
}
