import { randomBytes } from 'node:crypto'
import type { Dependency, Logger } from '@fractal-lba/runtime'
import { NotHeld } from '../generation-lost.js'
import type { DedupMetrics } from '../metrics.js'
import { Backoff, pause } from '../pause.js'
import { Fill, type FillProgress, type FillTools } from './fill.js'
import { type Held, IndexWatch } from './index-watch.js'
import { LogReach } from './log-reachability.js'
import { markReport } from './mark-report.js'
import { AskedRebuild, type RebuildTally } from './requested-rebuild.js'
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
/** A store is connected to while the process starts: only what takes longer is worth a line. */
const SAY_FIRST_MS = 2_000
/** What stays away is mentioned this often. */
const SAY_AGAIN_MS = 30_000
/** So many calm looks, and an earlier contest for a log is over. */
const CALM_LOOKS = 60

export interface KeeperTools extends Omit<FillTools, 'report'> {
  /** Addresses of logs that a fill may go without. */
  readonly waived?: ReadonlySet<string>
}

/**
 * Keeps the store an index of the logs' marks. Before anything may be asked, it adopts what another process has
 * filled, if that is intact and every log holds its generation; else it fills the store, under a generation of its
 * own, one process at a time. Then it watches whether all that stays so, and follows the marks.
 */
export class IndexKeeper {
  readonly #logs: readonly WalLog[]
  readonly #tools: FillTools
  readonly #waived: ReadonlySet<string>
  readonly #metrics: DedupMetrics
  readonly #logger: Logger
  readonly #times: KeeperTimes
  readonly #contest: Backoff
  readonly #reach: LogReach
  readonly #watch: IndexWatch
  readonly #progress = new Map<WalLog, FillProgress>()
  #availability: Availability = { answers: false, refusal: 'the index has not been filled from the log yet' }
  #sayAfterMs = performance.now() + SAY_FIRST_MS
  #share = 0
  #asked: AskedRebuild | undefined
  /** Aborted when the watch is to end although nothing was lost. */
  #interrupt = new AbortController()

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
    this.#times = times
    this.#waived = waived
    this.#tools = { ...tools, report: markReport(metrics, logger) }
    this.#contest = new Backoff(times.watchEveryMs, 30 * times.watchEveryMs)
    this.#reach = new LogReach(logs, logger)
    this.#watch = new IndexWatch(logs, this.#tools, this.#reach, logger)
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
    if (!this.#asked) {
      this.#asked = new AskedRebuild()
      this.#share = 0
      this.#refuse('the index is to be rebuilt')
      this.#logger.warn('the index is rebuilt from the beginning of all logs, as was asked for')
      this.#interrupt.abort()
    }
    return this.#asked.done
  }

  /** By name, for /ready. */
  dependencies(): Record<string, Dependency> {
    return this.#reach.dependencies()
  }

  /** Resolves when the signal is aborted. */
  async run(stopping: AbortSignal): Promise<void> {
    const { watchEveryMs } = this.#times
    while (!stopping.aborted) {
      const held = await this.#hold(stopping)
      if (held === 'contested') await pause(this.#contest.next(), stopping)
      else if (!held) await pause(watchEveryMs, stopping)
      if (!held || held === 'contested') continue
      if (this.#asked) continue
      this.#showShare(1)
      this.#availability = { answers: true, generation: held.generation }
      this.#interrupt = new AbortController()
      const ending = AbortSignal.any([stopping, this.#interrupt.signal])
      let looks = 0
      const onTick = (): void => {
        looks += 1
        if (looks === CALM_LOOKS) this.#contest.reset()
      }
      const loss = await this.#watch.untilLost(held, { everyMs: watchEveryMs, onTick }, ending)
      if (!loss) continue
      this.#refuse(`the index is looked at again: ${loss.why}`)
      this.#logger.warn(`${loss.why}: the index is looked at again`)
      // Two indexes that take one log from each other by turns answer nobody: the one that lost it waits.
      if (loss.contested) await pause(this.#contest.next(), stopping)
    }
  }

  /** @returns what the index is now; undefined: to be tried again soon. */
  async #hold(stopping: AbortSignal): Promise<Held | 'contested' | undefined> {
    const { store } = this.#tools
    try {
      const standing = this.#asked ? undefined : await this.#adopt(stopping)
      if (standing) return standing
      if (!(await store.claim())) {
        this.#refuse('the index is being filled by another process')
        return undefined
      }
      try {
        // Another process may have been faster.
        return (this.#asked ? undefined : await this.#adopt(stopping)) ?? (await this.#fill(stopping))
      } finally {
        await store.release()
      }
    } catch (error) {
      const awaits = error instanceof NotHeld ? error.message : 'the index waits for its store'
      this.#refuse(awaits)
      this.#say(error, awaits)
      return undefined
    }
  }

  /** What the store holds already, where nothing has happened since it was filled. */
  async #adopt(stopping: AbortSignal): Promise<Held | undefined> {
    const { store } = this.#tools
    const generation = await store.heldGeneration()
    if (generation === '') return undefined
    const positions = await store.positions()
    const logIds = new Map<WalLog, string>()
    for (const log of this.#logs) {
      const state = await this.#insist(log, stopping, () => log.state())
      if (state === 'waived') continue
      if (state?.generation !== generation) return undefined
      // A log without a position is new here; one that is shorter was restored from a copy.
      if (state.nextSequence < (positions.get(state.logId) ?? Number.POSITIVE_INFINITY)) return undefined
      logIds.set(log, state.logId)
    }
    await store.adopt(generation)
    this.#logger.info({ generation }, 'the store is filled already')
    return { generation, logIds }
  }

  async #fill(stopping: AbortSignal): Promise<Held | 'contested' | undefined> {
    const { store } = this.#tools
    const generation = randomBytes(16).toString('hex')
    this.#metrics.fills.inc()
    this.#progress.clear()
    await store.begin(generation)
    const asked = this.#asked
    asked?.begin()
    const report: FillTools['report'] = (log, tally) => {
      this.#tools.report(log, tally)
      asked?.add(tally)
    }
    const fill = new Fill(generation, { ...this.#tools, report }, { fromStart: asked !== undefined })
    const logIds = new Map<WalLog, string>()
    for (const log of this.#logs) {
      const logId = await this.#insist(log, stopping, () =>
        fill.from(log, (progress) => this.#show(log, progress)),
      )
      if (logId === undefined) return undefined
      if (logId !== 'waived') logIds.set(log, logId)
    }
    // While one log kept us waiting, another may have been fenced by somebody else, or replaced.
    for (const [log, logId] of logIds) {
      const state = await this.#insist(log, stopping, () => log.state())
      if (state === undefined) return undefined
      if (state === 'waived' || state.generation !== generation || state.logId !== logId) return 'contested'
    }
    await store.complete()
    this.#logger.info({ generation, remembered: store.state().remembered }, 'the index is filled')
    asked?.finish(generation)
    if (this.#asked === asked) this.#asked = undefined
    return { generation, logIds }
  }

  /**
   * Tries until it succeeds: a log that cannot be read keeps the index waiting, unless it is waived.
   * @returns undefined when the signal was aborted. @throws NotHeld
   */
  async #insist<T>(
    log: WalLog,
    stopping: AbortSignal,
    work: () => Promise<T>,
  ): Promise<T | 'waived' | undefined> {
    const backoff = new Backoff(this.#times.retryFirstMs, this.#times.retryMostMs)
    this.#sayAfterMs = 0
    while (!stopping.aborted) {
      try {
        const result = await work()
        this.#reach.note(log, true)
        return result
      } catch (error) {
        if (error instanceof NotHeld) throw error
        const storeIsUp = this.#tools.store.state().up
        if (storeIsUp) this.#reach.note(log, false, error)
        if (storeIsUp && this.#waived.has(log.address)) {
          this.#logger.error(
            { why: String(error) },
            `the log at ${log.address} is waived: its marks are missing`,
          )
          return 'waived'
        }
        const awaits = storeIsUp ? `the log at ${log.address}` : 'its store'
        this.#refuse(`the index is being filled and waits for ${awaits}`)
        this.#say(error, `the index is being filled and waits for ${awaits}`)
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
    this.#showShare(ratio)
    this.#refuse(`the index is being filled from the log: ${Math.floor(100 * ratio)} %`)
  }

  #showShare(share: number): void {
    this.#share = share
    this.#metrics.fillProgress.set(share)
  }

  #refuse(refusal: string): void {
    this.#availability = { answers: false, refusal }
  }

  #say(error: unknown, sentence: string): void {
    if (performance.now() < this.#sayAfterMs) return
    this.#logger.warn({ why: String(error) }, sentence)
    this.#sayAfterMs = performance.now() + SAY_AGAIN_MS
  }
}
