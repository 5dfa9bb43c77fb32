import { randomBytes } from 'node:crypto'
import type { Dependency, Logger } from '@fractal-lba/runtime'
import { Fill, type FillProgress, type FillTools, follow } from './fill.js'
import type { MarkTally } from './mark-reader.js'
import type { DedupMetrics } from './metrics.js'
import { Backoff, pause } from './pause.js'
import type { WalLog } from './wal-log.js'

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
/** A log that stays away is mentioned this often. */
const SAY_AGAIN_MS = 30_000

/** Why the index must be filled again; contested: another index has fenced the same log. */
interface Loss {
  readonly why: string
  readonly contested: boolean
}

/**
 * Keeps the store an index of the logs' marks. It fills it, under a generation of its own, before anything may be
 * asked; then it follows the marks, and watches whether every log still holds this generation. A log that holds
 * another one may have taken marks that this index knows nothing of: it stops answering and fills anew.
 */
export class IndexKeeper {
  readonly #logs: readonly WalLog[]
  readonly #tools: FillTools
  readonly #metrics: DedupMetrics
  readonly #logger: Logger
  readonly #times: KeeperTimes
  readonly #contest: Backoff
  readonly #reachable = new Map<WalLog, boolean>()
  readonly #progress = new Map<WalLog, FillProgress>()
  #availability: Availability = { answers: false, refusal: 'the index has not been filled from the log yet' }

  constructor(
    logs: readonly WalLog[],
    tools: Omit<FillTools, 'report'>,
    metrics: DedupMetrics,
    logger: Logger,
    times: KeeperTimes = KEEPER_TIMES,
  ) {
    this.#logs = logs
    this.#metrics = metrics
    this.#logger = logger
    this.#times = times
    this.#tools = { ...tools, report: (log, tally) => this.#report(log, tally) }
    this.#contest = new Backoff(times.watchEveryMs, 30 * times.watchEveryMs)
  }

  get availability(): Availability {
    return this.#availability
  }

  /** By name, for /ready. */
  dependencies(): Record<string, Dependency> {
    const states = this.#logs.map((log): [string, Dependency] => {
      const reachable = this.#reachable.get(log)
      const name = this.#logs.length === 1 ? 'wal' : `wal ${log.address}`
      return [name, { state: reachable === undefined ? 'unknown' : reachable ? 'up' : 'down' }]
    })
    return Object.fromEntries(states)
  }

  /** Resolves when the signal is aborted. */
  async run(stopping: AbortSignal): Promise<void> {
    while (!stopping.aborted) {
      const generation = randomBytes(16).toString('hex')
      const logIds = await this.#fill(generation, stopping)
      if (!logIds) {
        await pause(this.#contest.next(), stopping)
        continue
      }
      this.#availability = { answers: true, generation }
      this.#logger.info(
        { generation, remembered: this.#tools.store.state().remembered },
        'the index is filled',
      )
      const loss = await this.#watch(generation, logIds, stopping)
      if (!loss) return
      this.#availability = { answers: false, refusal: `the index is to be filled again: ${loss.why}` }
      this.#logger.warn(`${loss.why}: the index is filled again`)
      // Two indexes that take one log from each other by turns answer nobody: the one that lost it waits.
      if (loss.contested) await pause(this.#contest.next(), stopping)
    }
  }

  /** @returns the id of each log; undefined if it was interrupted or some log has changed meanwhile. */
  async #fill(generation: string, stopping: AbortSignal): Promise<Map<WalLog, string> | undefined> {
    this.#metrics.fills.inc()
    this.#progress.clear()
    const fill = new Fill(generation, this.#tools)
    const logIds = new Map<WalLog, string>()
    for (const log of this.#logs) {
      const logId = await this.#insist(log, stopping, () =>
        fill.from(log, (progress) => this.#show(log, progress)),
      )
      if (logId === undefined) return undefined
      logIds.set(log, logId)
    }
    // While one log kept us waiting, another may have been fenced by somebody else, or replaced.
    for (const log of this.#logs) {
      const state = await this.#insist(log, stopping, () => log.state())
      if (state?.generation !== generation || state.logId !== logIds.get(log)) return undefined
    }
    this.#metrics.fillProgress.set(1)
    return logIds
  }

  /** Tries until it succeeds: a log that cannot be read keeps the index waiting. */
  async #insist<T>(log: WalLog, stopping: AbortSignal, work: () => Promise<T>): Promise<T | undefined> {
    const backoff = new Backoff(this.#times.retryFirstMs, this.#times.retryMostMs)
    let sayAfterMs = 0
    while (!stopping.aborted) {
      try {
        const result = await work()
        this.#reachable.set(log, true)
        return result
      } catch (error) {
        this.#reachable.set(log, false)
        const refusal = `the index is being filled and waits for the log at ${log.address}`
        this.#availability = { answers: false, refusal }
        if (performance.now() >= sayAfterMs) {
          this.#logger.warn({ why: String(error) }, refusal)
          sayAfterMs = performance.now() + SAY_AGAIN_MS
        }
        await pause(backoff.next(), stopping)
      }
    }
    return undefined
  }

  #show(log: WalLog, progress: FillProgress): void {
    this.#progress.set(log, progress)
    let done = 0
    let all = 0
    for (const { fromSequence, nextSequence, endSequence } of this.#progress.values()) {
      all += Math.max(0, endSequence - fromSequence)
      done += Math.min(nextSequence, endSequence) - Math.min(fromSequence, endSequence)
    }
    // Logs that have not said yet how long they are count as one of those that have.
    const ratio = (all === 0 ? 1 : done / all) * (this.#progress.size / this.#logs.length)
    this.#metrics.fillProgress.set(ratio)
    const percent = Math.floor(100 * ratio)
    this.#availability = { answers: false, refusal: `the index is being filled from the log: ${percent} %` }
  }

  /** @returns why the index is not to be trusted any more; undefined when the signal was aborted. */
  async #watch(
    generation: string,
    logIds: ReadonlyMap<WalLog, string>,
    stopping: AbortSignal,
  ): Promise<Loss | undefined> {
    for (let calm = 0; ; calm += 1) {
      await pause(this.#times.watchEveryMs, stopping)
      if (stopping.aborted) return undefined
      if (calm === 60) this.#contest.reset()
      for (const [log, logId] of logIds) {
        const loss = await this.#look(log, logId, generation)
        if (loss) return loss
        if (stopping.aborted) return undefined
      }
    }
  }

  /** A log that cannot be asked marks nothing either; when it is back, it is asked first. */
  async #look(log: WalLog, logId: string, generation: string): Promise<Loss | undefined> {
    try {
      const state = await log.state()
      const position = (await this.#tools.store.positions()).get(logId) ?? 0
      if (state.logId !== logId)
        return { why: `the log at ${log.address} is another one now`, contested: false }
      if (state.generation !== generation) {
        const contested = state.generation !== ''
        const why = contested ? 'another index has fenced the log' : 'the log has forgotten the fence'
        return { why: `${why} at ${log.address}`, contested }
      }
      if (state.nextSequence < position) {
        return { why: `the log at ${log.address} is shorter than what was read of it`, contested: false }
      }
      if (state.nextSequence > position) await follow(log, logId, generation, this.#tools)
      this.#sayReachable(log, true)
    } catch (error) {
      this.#sayReachable(log, false, error)
    }
    return undefined
  }

  #sayReachable(log: WalLog, reachable: boolean, error?: unknown): void {
    if (this.#reachable.get(log) === reachable) return
    this.#reachable.set(log, reachable)
    if (reachable) this.#logger.info(`the log at ${log.address} can be read again`)
    else this.#logger.warn({ why: String(error) }, `the log at ${log.address} cannot be read`)
  }

  #report(log: WalLog, { read, corrected, conflicts, unreadable }: MarkTally): void {
    this.#metrics.marksRead.inc(read)
    this.#metrics.corrections.inc(corrected)
    this.#metrics.integrityConflicts.inc(conflicts.length + unreadable.length)
    if (corrected > 0) {
      this.#logger.warn({ corrected, log: log.address }, 'the store differed from marks; the marks count')
    }
    if (conflicts.length > 0) {
      this.#logger.error(
        { pcsIds: conflicts.slice(0, 10), count: conflicts.length, log: log.address },
        'marks contradict each other; the verdict that was judged first stays',
      )
    }
    if (unreadable.length > 0) {
      this.#logger.error(
        { positions: unreadable.slice(0, 10), count: unreadable.length, log: log.address },
        'marks hold no verdict that could be indexed',
      )
    }
  }
}
