import { setTimeout as sleep } from 'node:timers/promises'
import type { dedup, wal } from '@fractal-lba/proto'
import { AppError, type ExpiryClock, unavailable } from '@fractal-lba/runtime'
import { Backoff, pause } from '../pause.js'
import type { Store } from '../store.js'
import type { IndexKeeper } from './index-keeper.js'
import { currentLogs, fencedLogSet, unionOf } from './log-set.js'
import type { WalLog } from './wal-log.js'

const PROGRESS_EVERY_MS = 200
/** A log that goes on while its marks are read (its clock, its compaction) is read on so many times. */
const READINGS_MAX = 20
/** Tries of one call that copies: a log that stands still for a few seconds does not end the whole. */
const COPY_TRIES_MAX = 8

export interface RetirementTools {
  readonly store: Pick<Store, 'logSet' | 'filledGeneration'>
  readonly ttlMs: number
  readonly clock: ExpiryClock
}

/**
 * What is to be done or waited for before a log can be retired, as a sentence; undefined: nothing. Its marks must count
 * no more, by a clock that is trusted, unless they are copied.
 */
export function retirementObstacle(
  state: wal.GetStateResponse,
  { copying, ttlMs, clock }: Pick<RetirementTools, 'ttlMs' | 'clock'> & { readonly copying: boolean },
): string | undefined {
  if (!state.draining) return 'it takes submissions: let it drain first (pcs wal drain)'
  if (state.openCount > 0) return `${state.openCount} submissions in it are open: gateways finish them`
  if (state.deadLetterCount > 0) {
    return `${state.deadLetterCount} dead letters are in it: redrive them (pcs wal replay --drive-all)`
  }
  if (state.quarantinedSegments.length > 0) {
    return 'it has damaged segments, and nobody knows what marks are in them: look with pcs wal verify'
  }
  if (copying || state.lastMarkMs === 0) return undefined
  const endMs = state.lastMarkMs + ttlMs
  if (endMs <= clock.expiredMs()) return undefined
  if (endMs <= clock.latestMs()) return 'its marks are old, but no clock is trusted now (docs/clocks.md)'
  return `its last mark counts until ${new Date(endMs).toISOString()}: wait until then, or have its marks copied into another log`
}

/** A log that is reached, with what it says. */
interface ReachedLog {
  readonly log: WalLog
  readonly state: wal.GetStateResponse
}

/**
 * Ends a log for good, in an order in which nothing is lost wherever it breaks off: its marks are copied, then the log
 * itself says that it is retired, on the condition that it has gone on no further; then each index of it learns that
 * from it, and is filled, without it, under a new generation.
 */
export class Retirement {
  readonly #keeper: IndexKeeper
  readonly #tools: RetirementTools

  constructor(keeper: IndexKeeper, tools: RetirementTools) {
    this.#keeper = keeper
    this.#tools = tools
  }

  /** @throws AppError unavailable; superseded where the log may not be retired; malformed where there is none. */
  async *retire(
    { logId, copyToLogId, lost }: dedup.RetireLogRequest,
    stopping: AbortSignal,
  ): AsyncGenerator<dedup.RetireLogResponse> {
    const progress = { share: 0, copied: 0 }
    if (lost) await this.#giveUp(logId)
    else if (!(await this.#isRetired(logId))) {
      const logs = await this.#reachedLogs()
      const log = demand(logs, logId)
      if (logs.size === 1) throw new AppError('superseded', 'it is the only log of this store')
      const target = copyToLogId === '' ? undefined : copyTarget(logs, log, copyToLogId)
      yield* this.#end(log, target, progress, stopping)
    }
    while (!stopping.aborted) {
      const { availability } = this.#keeper
      // Another process may have begun to fill the store without it, and this one still answer as before.
      const { store } = this.#tools
      const isOver =
        (await this.#isRetired(logId)) &&
        availability.answers &&
        availability.generation === (await store.filledGeneration())
      if (isOver) {
        yield { ...progress, share: 1, refusal: '', retired: true }
        return
      }
      yield {
        ...progress,
        share: 1,
        refusal: availability.answers ? '' : availability.refusal,
        retired: false,
      }
      await pause(PROGRESS_EVERY_MS, stopping)
    }
    throw unavailable('the call was ended before the index answered again')
  }

  /** Also while the index does not answer, for want of that very log. */
  async #giveUp(logId: string): Promise<void> {
    const { reached } = await this.#keeper.survey()
    const states = [...reached.values()]
    const known = unionOf(await this.#tools.store.logSet(), ...states.map(fencedLogSet))
    if (!known.logIds.has(logId)) throw unknownLog(logId)
    if (states.some((state) => state.logId === logId)) {
      throw new AppError('superseded', 'it can be asked, so it is not lost: let it drain, and retire it')
    }
    this.#keeper.giveUp(logId)
  }

  async #isRetired(logId: string): Promise<boolean> {
    return (await this.#tools.store.logSet()).retiredIds.has(logId)
  }

  /** Each log of the store, by its id: the fill that follows needs them all. */
  async #reachedLogs(): Promise<Map<string, ReachedLog>> {
    const { availability } = this.#keeper
    if (!availability.answers) throw unavailable(availability.refusal)
    const { reached, absent } = await this.#keeper.survey()
    const [first] = absent
    if (first) throw unavailable(`the log at ${first.address} cannot be asked; each must be there`)
    const current = currentLogs(await this.#tools.store.logSet())
    const logs = new Map<string, ReachedLog>()
    for (const [log, state] of reached) if (current.has(state.logId)) logs.set(state.logId, { log, state })
    return logs
  }

  async *#end(
    { log, state: { logId } }: ReachedLog,
    target: ReachedLog | undefined,
    progress: { share: number; copied: number },
    stopping: AbortSignal,
  ): AsyncGenerator<dedup.RetireLogResponse> {
    let nextSequence = 1
    for (let readings = 0; readings < READINGS_MAX; readings += 1) {
      const state = await log.state()
      if (state.logId !== logId) throw new AppError('superseded', 'another log is at its address now')
      // By an earlier call, which broke off: its marks were copied or old then.
      if (state.retired) return
      const obstacle = retirementObstacle(state, { ...this.#tools, copying: target !== undefined })
      if (obstacle !== undefined) throw new AppError('superseded', obstacle)
      if (target) {
        for await (const step of copyMarks(log, logId, nextSequence, target, stopping)) {
          progress.copied += step.copied
          progress.share = step.share
          nextSequence = step.nextSequence
          yield { ...progress, refusal: '', retired: false }
        }
      } else nextSequence = state.nextSequence
      try {
        return await log.retire(logId, nextSequence)
      } catch (error) {
        // It has gone on: what is new is looked at as well.
        if (!(error instanceof AppError) || error.code !== 'superseded') throw error
      }
    }
    throw unavailable('the log goes on while it is to be retired; try again')
  }
}

function demand(logs: ReadonlyMap<string, ReachedLog>, logId: string): ReachedLog {
  const log = logs.get(logId)
  if (!log) throw unknownLog(logId)
  return log
}

function unknownLog(logId: string): AppError {
  return new AppError('malformed', `the store is the index of no log ${JSON.stringify(logId)}`)
}

function copyTarget(
  logs: ReadonlyMap<string, ReachedLog>,
  { state: { logId } }: ReachedLog,
  copyToLogId: string,
): ReachedLog {
  const target = demand(logs, copyToLogId)
  if (copyToLogId === logId) throw new AppError('malformed', 'its marks are to be copied into another log')
  const { takesAppends, refusal } = target.state
  if (!takesAppends) throw new AppError('superseded', `the log that is to take its marks refuses: ${refusal}`)
  return target
}

/** From a position to the end as it is now, several times a second a step; all that a step tells of is durable. */
async function* copyMarks(
  log: WalLog,
  logId: string,
  fromSequence: number,
  target: ReachedLog,
  stopping: AbortSignal,
): AsyncGenerator<{ copied: number; share: number; nextSequence: number }> {
  let copied = 0
  let toldMs = performance.now()
  for await (const { marks, nextSequence, endSequence } of log.readMarks(fromSequence)) {
    if (stopping.aborted) throw unavailable('the call was ended; the log is as it was')
    const startedMs = performance.now()
    const indexed = marks.filter(({ mark }) => mark?.indexed)
    if (indexed.length > 0) {
      await persistently(() => target.log.copyMarks(target.state.logId, logId, indexed), stopping)
    }
    copied += indexed.length
    if (performance.now() - toldMs >= PROGRESS_EVERY_MS || nextSequence >= endSequence) {
      yield { copied, share: Math.min(1, nextSequence / endSequence), nextSequence }
      copied = 0
      toldMs = performance.now()
    }
    // Copying has time: it leaves at least half of the event loop's time to look-ups and puts.
    await sleep(Math.min(performance.now() - startedMs, PROGRESS_EVERY_MS))
  }
}

async function persistently(work: () => Promise<void>, stopping: AbortSignal): Promise<void> {
  const backoff = new Backoff(100, 2_000)
  for (let tries = 1; ; tries += 1) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'unavailable' || tries === COPY_TRIES_MAX)
        throw error
      await pause(backoff.next(), stopping)
    }
  }
}
