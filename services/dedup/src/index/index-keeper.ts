import { randomBytes } from 'node:crypto'
import { type Dependency, type Logger, OccasionalWarning } from '@fractal-lba/runtime'
import type { DedupMetrics } from '../metrics.js'
import { Backoff, pause } from '../pause.js'
import { GenerationLost } from '../store.js'
import { Fill, type FillProgress, type FillTools } from './fill.js'
import { IndexWatch, type ValidIndex } from './index-watch.js'
import { LogReachability, type Survey } from './log-reachability.js'
import {
  differenceOf,
  fencedLogSet,
  haveSameLogs,
  type LogDifference,
  type LogSet,
  lacksLogs,
  logSetOf,
  unionOf,
} from './log-set.js'
import { markReport } from './mark-report.js'
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

/** The logs as they are now, and what is to be the index of them. */
interface Seen extends LogDifference {
  readonly survey: Survey
  /** Of the store, as it and the logs know it. */
  readonly logSet: LogSet
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
  readonly #nextLook: Backoff
  readonly #reachability: LogReachability
  readonly #watch: IndexWatch
  readonly #warning: OccasionalWarning
  readonly #progress = new Map<WalLog, FillProgress>()
  #availability: Availability = { answers: false, refusal: 'the index has not been filled from the log yet' }
  #share = 0
  #postponedFor = ''
  #requested: RequestedRebuild | undefined
  /** Aborted to end the watch of an index that is still valid, because a rebuild was requested. */
  #watchEnding = new AbortController()

  /** @param logs those of WAL_ADDR; later ones are added to them, and retired ones taken out */
  constructor(
    logs: WalLog[],
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
    this.#nextLook = new Backoff(times.retryFirstMs, Math.max(times.watchEveryMs, times.retryFirstMs))
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

  /** Of this process; they come and go. */
  get logs(): readonly WalLog[] {
    return this.#logs
  }

  /** Asks all logs now. */
  survey(): Promise<Survey> {
    return this.#reachability.survey()
  }

  /** As the log said when it was asked last. */
  logIdOf(log: WalLog): string | undefined {
    return this.#reachability.idOf(log)
  }

  /** The watch finds it, and then a fill takes it in. */
  addLog(log: WalLog): void {
    this.#reachability.add(log)
  }

  /** Its disk is lost: the index is to go without it, for good. */
  giveUp(logId: string): void {
    this.#reachability.giveUp(logId)
    this.#watchEnding.abort()
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
      else if (!index) await pause(this.#nextLook.next(), stopping)
      if (!index || index === 'contested') continue
      if (this.#requested) continue
      this.#nextLook.reset()
      this.#reachability.indexed(index.logIds)
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
    try {
      const seen = await this.#look()
      if (typeof seen === 'string') return this.#postpone(seen)
      const adopted = await this.#adopt(seen)
      if (adopted) return adopted
      const awaited = await this.#awaited(seen)
      if (awaited) return this.#postpone(awaits(awaited))
      if (!(await store.acquireLease())) {
        this.#refuse(filledByAnother(this.#unwaived(seen)))
        return undefined
      }
      try {
        // Another process may have filled the store before this one got the lease.
        const again = await this.#look()
        if (typeof again === 'string') return this.#postpone(again)
        return (await this.#adopt(again)) ?? (await this.#fill(again, stopping))
      } finally {
        await store.releaseLease()
      }
    } catch (error) {
      const awaits = error instanceof GenerationLost ? error.message : 'the index waits for its store'
      this.#refuse(awaits)
      this.#warning.warn(awaits, error)
      return undefined
    }
  }

  /**
   * Asks the logs first: by their clocks it is known whether the store is still what it was. Then the store, which logs
   * it is the index of; the logs know that too, by their fences.
   *
   * @returns why there can be no index of these logs, as a sentence; or what was seen. @throws AppError
   */
  async #look(): Promise<Seen | string> {
    const everyLog = await this.#reachability.survey()
    const [first] = everyLog.absent
    if (everyLog.reached.size === 0 && first) return awaits(first)
    for (const [log, state] of everyLog.reached) {
      const refusal = misfit(log, state, this.#tools.ttlMs)
      if (refusal !== undefined) return refusal
    }
    const fenced = [...everyLog.reached.values()].map(fencedLogSet)
    const known = unionOf(await this.#tools.store.logSet(), ...fenced)
    const logSet = unionOf(known, logSetOf([], this.#reachability.retiredIds(everyLog, known)))
    const survey = this.#reachability.dropRetired(everyLog, logSet)
    const reachedIds = [...survey.reached.values()].map(({ logId }) => logId)
    const { added, missing } = differenceOf(logSet, reachedIds)
    const unknown = missing.length - survey.absent.length
    if (unknown > 0) return lacksLogs(missing, unknown)
    return { survey, logSet, added, missing }
  }

  /** A log without which no fill ends. */
  #unwaived({ survey }: Seen): WalLog | undefined {
    return survey.absent.find(({ address }) => !this.#waived.has(address))
  }

  /** A log without which no fill is begun, because another process may answer from the store as it is. */
  async #awaited(seen: Seen): Promise<WalLog | undefined> {
    const absent = this.#unwaived(seen)
    return absent && (await this.#tools.store.filledGeneration()) !== '' ? absent : undefined
  }

  /**
   * Takes the store as it is: it is intact, it is the index of these logs, and each of them that can be asked still has
   * its fence and is no shorter than what was read of it. One that is absent takes no marks; it is looked at when it is back.
   */
  async #adopt({ survey, logSet, added }: Seen): Promise<ValidIndex | undefined> {
    if (this.#requested) return undefined
    const { store } = this.#tools
    const generation = await store.filledGeneration()
    const stored = await store.logSet()
    if (generation === '' || added.length > 0 || !haveSameLogs(stored, logSet)) return undefined
    const positions = await store.positions()
    const logIds = new Map<WalLog, string>()
    for (const [log, state] of survey.reached) {
      if (state.generation !== generation) return undefined
      // The store knows no position of a log that is new to it; a log that has become shorter was restored from a copy.
      if (state.nextSequence < (positions.get(state.logId) ?? Number.POSITIVE_INFINITY)) return undefined
      logIds.set(log, state.logId)
    }
    await store.adopt(generation)
    this.#logger.info({ generation, absent: survey.absent.length }, 'the store is filled already')
    return { generation, logIds, logSet }
  }

  async #fill(seen: Seen, stopping: AbortSignal): Promise<ValidIndex | 'contested' | undefined> {
    const awaited = await this.#awaited(seen)
    if (awaited) return this.#postpone(awaits(awaited))
    const { store } = this.#tools
    const generation = randomBytes(16).toString('hex')
    const logSet = unionOf(seen.logSet, logSetOf(seen.added))
    this.#metrics.fills.inc()
    this.#progress.clear()
    await store.begin(generation, logSet)
    const requested = this.#requested
    requested?.begin()
    const report: FillTools['report'] = (log, tally) => {
      this.#tools.report(log, tally)
      requested?.add(tally)
    }
    const tools = { ...this.#tools, report }
    const fill = new Fill(generation, logSet, tools, { fromStart: requested !== undefined })
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
    // A log that was absent when the fill began, and that no log knows: the next fill, a short one, names it everywhere.
    if ([...logIds.values()].some((logId) => !logSet.logIds.has(logId))) return undefined
    await store.complete()
    this.#logger.info({ generation, remembered: store.state().remembered }, 'the index is filled')
    requested?.finish(generation)
    if (this.#requested === requested) this.#requested = undefined
    return { generation, logIds, logSet }
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
        this.#warning.warn(`the index is being filled and waits for ${awaits}`, error)
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

  /** Says why there is no index yet; the caller tries again soon. */
  #postpone(refusal: string): undefined {
    if (refusal !== this.#postponedFor) this.#warning.reset()
    this.#postponedFor = refusal
    this.#refuse(refusal)
    this.#warning.warn('there is no index of these logs yet', refusal)
    return undefined
  }

  #setShare(share: number): void {
    this.#share = share
    this.#metrics.fillProgress.set(share)
  }

  #refuse(refusal: string): void {
    this.#availability = { answers: false, refusal }
  }
}

function awaits({ address }: WalLog): string {
  return `the index is being filled and waits for the log at ${address}`
}

function filledByAnother(absent: WalLog | undefined): string {
  const filled = 'the index is being filled by another process'
  return absent ? `${filled}, and the log at ${absent.address} cannot be read` : filled
}
