import { randomBytes } from 'node:crypto'
import type { Dependency, Logger } from '@fractal-lba/runtime'
import { GenerationLost } from '../generation-lost.js'
import type { DedupMetrics } from '../metrics.js'
import { Backoff, pause } from '../pause.js'
import { Fill, type FillProgress, type FillTools } from './fill.js'
import { IndexWatch, type ValidIndex } from './index-watch.js'
import { LogReachability } from './log-reachability.js'
import { markReport } from './mark-report.js'
import { OccasionalWarning } from './occasional-warning.js'
import { type RebuildTally, RequestedRebuild } from './requested-rebuild.js'
import { misfit, type WalLog } from './wal-log.js'

/** Whether the index may be asked. An answer must carry the generation that was valid when it was looked up. */
export type Availability =
  | { readonly answers: true; readonly generation: string }
  | { readonly answers: false; readonly refusal: string }

export interface KeeperTimes {
  readonly watchEveryMs: number
  /** The first wait after a failure; doubles up to retryMostMs. */
  readonly retryFirstMs: number
  readonly retryMostMs: number
}

export const KEEPER_TIMES: KeeperTimes = { watchEveryMs: 1_000, retryFirstMs: 100, retryMostMs: 5_000 }
/** The process connects to its store while it starts: a failure is logged only when that takes longer than this. */
const SILENT_AT_START_MS = 2_000
/** A failure that goes on is logged this often. */
const WARN_EVERY_MS = 30_000
/** After so many checks without a loss, a new contest for a log begins with the shortest wait again. */
const UNDISTURBED_CHECKS = 60

export interface KeeperTools extends Omit<FillTools, 'report'> {
  /** Addresses of logs that a fill may go without. */
  readonly waived?: ReadonlySet<string>
}

/**
 * Keeps the store an index of the logs' marks. Before the index answers, this adopts the store as another process has
 * filled it, if the store is intact and every log is fenced with its generation; else it takes the fill lease and fills
 * the store under a new generation. Then it checks regularly that the index is still valid, and applies new marks.
 */
export class IndexKeeper {
  readonly #logs: readonly WalLog[]
  readonly #tools: FillTools
  readonly #waived: ReadonlySet<string>
  readonly #metrics: DedupMetrics
  readonly #logger: Logger
  readonly #times: KeeperTimes
  readonly #contest: Backoff
  readonly #reachability: LogReachability
  readonly #watch: IndexWatch
  readonly #warning: OccasionalWarning
  readonly #progress = new Map<WalLog, FillProgress>()
  #availability: Availability = { answers: false, refusal: 'the index has not been filled from the log yet' }
  #share = 0
  #requested: RequestedRebuild | undefined
  /** Aborted to end the watch of an index that is still valid, because a rebuild was requested. */
  #watchEnding = new AbortController()

  constructor(
    logs: readonly WalLog[],
    { waived = new Set(), ...tools }: KeeperTools,
    metrics: DedupMetrics,
    logger: Logger,
    times: KeeperTimes = KEEPER_TIMES,
  ) {
    this.#logs = logs
    this.#metrics = metrics
    this.#logger = logger
    this.#warning = new OccasionalWarning(logger, WARN_EVERY_MS, SILENT_AT_START_MS)
    this.#times = times
    this.#waived = waived
    this.#tools = { ...tools, report: markReport(metrics, logger) }
    this.#contest = new Backoff(times.watchEveryMs, 30 * times.watchEveryMs)
    this.#reachability = new LogReachability(logs, logger)
    this.#watch = new IndexWatch(logs, this.#tools, this.#reachability, logger)
  }

  get availability(): Availability {
    return this.#availability
  }

  /** How much of the logs the fill under way has read, or the last one: from 0 to 1. */
  get fillShare(): number {
    return this.#share
  }

  /**
   * Fills the store from the beginning of all logs, whatever it holds; until that is done, nothing is answered.
   * Never resolves when the process is stopped before: the next one fills from where this one has come to.
   */
  rebuild(): Promise<RebuildTally> {
    if (!this.#requested) {
      this.#requested = new RequestedRebuild()
      this.#share = 0
      this.#refuse('the index is to be rebuilt')
      this.#logger.warn('the index is rebuilt from the beginning of all logs, as was asked for')
      this.#watchEnding.abort()
    }
    return this.#requested.done
  }

  /** By name, for /ready. */
  dependencies(): Record<string, Dependency> {
    return this.#reachability.dependencies()
  }

  /** Resolves when the signal is aborted. */
  async run(stopping: AbortSignal): Promise<void> {
    const { watchEveryMs } = this.#times
    while (!stopping.aborted) {
      const index = await this.#adoptOrFill(stopping)
      if (index === 'contested') await pause(this.#contest.next(), stopping)
      else if (!index) await pause(watchEveryMs, stopping)
      if (!index || index === 'contested') continue
      if (this.#requested) continue
      this.#setShare(1)
      this.#availability = { answers: true, generation: index.generation }
      this.#watchEnding = new AbortController()
      const ending = AbortSignal.any([stopping, this.#watchEnding.signal])
      let checks = 0
      const onTick = (): void => {
        checks += 1
        if (checks === UNDISTURBED_CHECKS) this.#contest.reset()
      }
      const invalidation = await this.#watch.untilInvalid(index, { everyMs: watchEveryMs, onTick }, ending)
      if (!invalidation) continue
      this.#refuse(`the index is looked at again: ${invalidation.why}`)
      this.#logger.warn(`${invalidation.why}: the index is looked at again`)
      // Two indexes that fence one log by turns would never answer: the one whose fence was replaced waits.
      if (invalidation.contested) await pause(this.#contest.next(), stopping)
    }
  }

  /** @returns the index that may answer now; undefined: the caller tries again soon. */
  async #adoptOrFill(stopping: AbortSignal): Promise<ValidIndex | 'contested' | undefined> {
    const { store } = this.#tools
    // The logs first: by their clocks it is known whether the store is still what it was.
    const refusal = await this.#lookAtLogs(stopping)
    if (refusal !== undefined) {
      this.#refuse(refusal)
      this.#warning.warn(refusal, 'there can be no index of these logs')
      return undefined
    }
    try {
      const adopted = this.#requested ? undefined : await this.#adopt(stopping)
      if (adopted) return adopted
      if (!(await store.acquireLease())) {
        this.#refuse('the index is being filled by another process')
        return undefined
      }
      try {
        // Another process may have filled the store before this one got the lease.
        return (this.#requested ? undefined : await this.#adopt(stopping)) ?? (await this.#fill(stopping))
      } finally {
        await store.releaseLease()
      }
    } catch (error) {
      const awaits = error instanceof GenerationLost ? error.message : 'the index waits for its store'
      this.#refuse(awaits)
      this.#warning.warn(error, awaits)
      return undefined
    }
  }

  /** @returns why there can be no index of them; undefined: there can, or the signal was aborted. */
  async #lookAtLogs(stopping: AbortSignal): Promise<string | undefined> {
    const [first] = this.#logs
    const states = await Promise.allSettled(this.#logs.map((log) => log.state()))
    for (const [index, log] of this.#logs.entries()) {
      const state = states[index]
      const refusal = state?.status === 'fulfilled' && misfit(log, state.value, this.#tools.ttlMs)
      if (refusal) return refusal
    }
    const areAllMissing = states.every(({ status }) => status === 'rejected')
    if (first && areAllMissing) await this.#retry(first, stopping, () => first.state())
    return undefined
  }

  /** Takes the store as it is, if every log still has the fence and the positions that the store was filled to. */
  async #adopt(stopping: AbortSignal): Promise<ValidIndex | undefined> {
    const { store } = this.#tools
    const generation = await store.filledGeneration()
    if (generation === '') return undefined
    const positions = await store.positions()
    const logIds = new Map<WalLog, string>()
    for (const log of this.#logs) {
      const state = await this.#retry(log, stopping, () => log.state())
      if (state === 'waived') continue
      if (state?.generation !== generation) return undefined
      // The store knows no position of a log that is new to it; a log that has become shorter was restored from a copy.
      if (state.nextSequence < (positions.get(state.logId) ?? Number.POSITIVE_INFINITY)) return undefined
      logIds.set(log, state.logId)
    }
    await store.adopt(generation)
    this.#logger.info({ generation }, 'the store is filled already')
    return { generation, logIds }
  }

  async #fill(stopping: AbortSignal): Promise<ValidIndex | 'contested' | undefined> {
    const { store } = this.#tools
    const generation = randomBytes(16).toString('hex')
    this.#metrics.fills.inc()
    this.#progress.clear()
    await store.begin(generation)
    const requested = this.#requested
    requested?.begin()
    const report: FillTools['report'] = (log, tally) => {
      this.#tools.report(log, tally)
      requested?.add(tally)
    }
    const fill = new Fill(generation, { ...this.#tools, report }, { fromStart: requested !== undefined })
    const logIds = new Map<WalLog, string>()
    for (const log of this.#logs) {
      const logId = await this.#retry(log, stopping, () =>
        fill.from(log, (progress) => this.#reportProgress(log, progress)),
      )
      if (logId === undefined) return undefined
      if (logId !== 'waived') logIds.set(log, logId)
    }
    // While the fill waited for one log, another index may have fenced a log that was read before, or it was replaced.
    for (const [log, logId] of logIds) {
      const state = await this.#retry(log, stopping, () => log.state())
      if (state === undefined) return undefined
      if (state === 'waived' || state.generation !== generation || state.logId !== logId) return 'contested'
    }
    await store.complete()
    this.#logger.info({ generation, remembered: store.state().remembered }, 'the index is filled')
    requested?.finish(generation)
    if (this.#requested === requested) this.#requested = undefined
    return { generation, logIds }
  }

  /**
   * Repeats the work until it succeeds: the index waits for a log that cannot be read, unless that is waived.
   * @returns undefined when the signal was aborted. @throws GenerationLost
   */
  async #retry<T>(
    log: WalLog,
    stopping: AbortSignal,
    work: () => Promise<T>,
  ): Promise<T | 'waived' | undefined> {
    const backoff = new Backoff(this.#times.retryFirstMs, this.#times.retryMostMs)
    this.#warning.reset()
    while (!stopping.aborted) {
      try {
        const result = await work()
        this.#reachability.note(log, true)
        return result
      } catch (error) {
        if (error instanceof GenerationLost) throw error
        const storeIsUp = this.#tools.store.state().up
        if (storeIsUp) this.#reachability.note(log, false, error)
        if (storeIsUp && this.#waived.has(log.address)) {
          this.#logger.error(
            { why: String(error) },
            `the log at ${log.address} is waived: its marks are missing`,
          )
          return 'waived'
        }
        const awaits = storeIsUp ? `the log at ${log.address}` : 'its store'
        this.#refuse(`the index is being filled and waits for ${awaits}`)
        this.#warning.warn(error, `the index is being filled and waits for ${awaits}`)
        await pause(backoff.next(), stopping)
      }
    }
    return undefined
  }

  #reportProgress(log: WalLog, progress: FillProgress): void {
    this.#progress.set(log, progress)
    let done = 0
    let all = 0
    for (const { fromSequence, nextSequence, endSequence } of this.#progress.values()) {
      all += Math.max(0, endSequence - fromSequence)
      done += Math.min(nextSequence, endSequence) - Math.min(fromSequence, endSequence)
    }
    // The length of a log is not known before its fence: it counts as the average of those that are known.
    const ratio = (all === 0 ? 1 : done / all) * (this.#progress.size / this.#logs.length)
    this.#setShare(ratio)
    this.#refuse(`the index is being filled from the log: ${Math.floor(100 * ratio)} %`)
  }

  #setShare(share: number): void {
    this.#share = share
    this.#metrics.fillProgress.set(share)
  }

  #refuse(refusal: string): void {
    this.#availability = { answers: false, refusal }
  }
}
