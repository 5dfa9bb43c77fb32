import { type Logger, OccasionalWarning } from '@fractal-lba/runtime'
import { pause } from '../pause.js'
import { type FillTools, follow } from './fill.js'
import type { LogReachability } from './log-reachability.js'
import { currentLogs, type LogSet } from './log-set.js'
import { misfit, type WalLog } from './wal-log.js'

/** A filled index, as it was when it became valid. */
export interface ValidIndex {
  readonly generation: string
  /** The id of each log; one that was absent is missing. */
  readonly logIds: ReadonlyMap<WalLog, string>
  readonly logSet: LogSet
}

/** Why the index is not valid any more; contested: an index over another store has fenced the same log. */
export interface Invalidation {
  readonly why: string
  readonly contested: boolean
}

/** A failure that goes on is logged this often. */
const WARN_EVERY_MS = 30_000

const invalid = (why: string, contested = false): Invalidation => ({ why, contested })

/** Checks regularly whether an index that answers is still valid, and applies new marks to its store meanwhile. */
export class IndexWatch {
  readonly #logs: readonly WalLog[]
  readonly #tools: FillTools
  readonly #reachability: LogReachability
  readonly #logger: Logger
  readonly #warning: OccasionalWarning
  /** The highest position of each log that the store has had: a lower one later means that it was set back. */
  readonly #highestPositions = new Map<string, number>()
  #logIds = new Map<WalLog, string>()
  #storeWasUp = true

  constructor(logs: readonly WalLog[], tools: FillTools, reach: LogReachability, logger: Logger) {
    this.#logs = logs
    this.#tools = tools
    this.#reachability = reach
    this.#logger = logger
    this.#warning = new OccasionalWarning(logger, WARN_EVERY_MS)
  }

  /** @returns why the index is not valid any more; undefined when the signal was aborted. */
  async untilInvalid(
    index: ValidIndex,
    { everyMs, onTick }: { readonly everyMs: number; readonly onTick: () => void },
    stopping: AbortSignal,
  ): Promise<Invalidation | undefined> {
    this.#highestPositions.clear()
    this.#logIds = new Map(index.logIds)
    for (;;) {
      await pause(everyMs, stopping)
      if (stopping.aborted) return undefined
      onTick()
      const invalidation = await this.#check(index, stopping)
      if (invalidation || stopping.aborted) return invalidation
    }
  }

  /** A store that cannot be reached gives no answers, so the index stays valid until the store is back and checked. */
  async #check(index: ValidIndex, stopping: AbortSignal): Promise<Invalidation | undefined> {
    const { store } = this.#tools
    try {
      const invalidation = await this.#checkStore(index.generation)
      if (invalidation) return invalidation
      const mayFollow = await store.acquireLease()
      try {
        return await this.#checkLogs(index, mayFollow, stopping)
      } finally {
        if (mayFollow) await store.releaseLease()
      }
    } catch (error) {
      if (this.#storeWasUp) this.#logger.warn({ why: String(error) }, 'the store cannot be asked')
      this.#storeWasUp = false
      return undefined
    }
  }

  async #checkStore(generation: string): Promise<Invalidation | undefined> {
    const { store } = this.#tools
    if ((await store.filledGeneration()) !== generation) {
      return invalid('the store was emptied, replaced or set back, or another process fills it')
    }
    for (const [logId, position] of await store.positions()) {
      if (position < (this.#highestPositions.get(logId) ?? 0))
        return invalid('the store was set back to an older state')
      this.#highestPositions.set(logId, position)
    }
    if (!this.#storeWasUp) this.#logger.info('the store can be asked again')
    this.#storeWasUp = true
    return undefined
  }

  async #checkLogs(
    index: ValidIndex,
    mayFollow: boolean,
    stopping: AbortSignal,
  ): Promise<Invalidation | undefined> {
    for (const log of this.#logs) {
      if (stopping.aborted) return undefined
      const logId = this.#logIds.get(log)
      const invalidation =
        logId === undefined
          ? await this.#checkReturned(index, log)
          : await this.#checkLog(log, logId, index.generation, mayFollow)
      if (invalidation) return invalidation
    }
    return undefined
  }

  /** A log that was absent when the index became valid. */
  async #checkReturned(index: ValidIndex, log: WalLog): Promise<Invalidation | undefined> {
    const state = await this.#reachability.stateOf(log)
    if (!state || index.logSet.retiredIds.has(state.logId)) return undefined
    if (!currentLogs(index.logSet).has(state.logId) || state.generation !== index.generation) {
      return invalid(`the log at ${log.address} can be read, and the index was filled without it`)
    }
    this.#logIds.set(log, state.logId)
    return undefined
  }

  async #checkLog(
    log: WalLog,
    logId: string,
    generation: string,
    mayFollow: boolean,
  ): Promise<Invalidation | undefined> {
    // A log that cannot be reached takes no marks, so the index stays valid until the log is back and checked.
    const state = await this.#reachability.stateOf(log)
    if (!state) return undefined
    const refusal = misfit(log, state, this.#tools.ttlMs)
    if (refusal !== undefined) return invalid(refusal)
    if (state.logId !== logId) return invalid(`the log at ${log.address} is another one now`)
    if (state.retired) return invalid(`the log at ${log.address} was retired`)
    if (state.generation === '') return invalid(`the log has forgotten the fence at ${log.address}`)
    if (state.generation !== generation) return this.#whoFenced(log, generation)
    const position = (await this.#tools.store.positions()).get(logId) ?? 0
    if (state.nextSequence < position) {
      return invalid(`the log at ${log.address} is shorter than what was read of it`)
    }
    if (mayFollow && state.nextSequence > position) await this.#follow(log, logId, generation)
    return undefined
  }

  /** A process that fills the same store has put its generation into the store before it sets a fence. */
  async #whoFenced(log: WalLog, generation: string): Promise<Invalidation> {
    const fillsThisStore = (await this.#tools.store.filledGeneration()) !== generation
    return fillsThisStore
      ? invalid('another process fills the index')
      : invalid(`another index has fenced the log at ${log.address}`, true)
  }

  async #follow(log: WalLog, logId: string, generation: string): Promise<void> {
    try {
      await follow(log, logId, generation, this.#tools)
    } catch (error) {
      // The store or the log may have failed: the next check finds out which.
      this.#warning.warn(`the marks of the log at ${log.address} could not be followed`, error)
    }
  }
}
