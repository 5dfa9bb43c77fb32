import { setTimeout as sleep } from 'node:timers/promises'
import type { wal } from '@fractal-lba/proto'
import { type ExpiryClock, unavailable } from '@fractal-lba/runtime'
import { GenerationLost, type Store } from '../store.js'
import { applyMarks, type IndexedMark, type MarkTally } from './apply-marks.js'
import { ExpiredVerdicts, SeenIds } from './fill-memory.js'
import type { LogSet } from './log-set.js'
import type { WalLog } from './wal-log.js'

export interface FillTools {
  readonly store: Store
  readonly ttlMs: number
  readonly clock: ExpiryClock
  readonly report: (log: WalLog, tally: MarkTally) => void
}

class FirstMarkUnknown extends Error {}

/** How far a fill has come in one log. */
export interface FillProgress {
  readonly fromSequence: number
  readonly nextSequence: number
  readonly endSequence: number
}

/** One fill of the index from all its logs, under one generation. */
export class Fill {
  readonly #generation: string
  readonly #logSet: LogSet
  readonly #tools: FillTools
  readonly #expired = new ExpiredVerdicts()
  readonly #fromStart: boolean
  /** With fromStart: ids of the logs whose position has been set back to the beginning. */
  readonly #restarted = new Set<string>()
  readonly #seenIds: SeenIds | undefined
  /** No mark was read before this fill, so that it knows the first mark of each verdict. */
  #readsAll: boolean | undefined

  /**
   * @param logSet what each fence says
   * @param options fromStart: reads every mark, whatever positions the store has.
   */
  constructor(
    generation: string,
    logSet: LogSet,
    tools: FillTools,
    { fromStart = false }: { readonly fromStart?: boolean } = {},
  ) {
    this.#generation = generation
    this.#logSet = logSet
    this.#tools = tools
    this.#fromStart = fromStart
    this.#seenIds = fromStart ? new SeenIds() : undefined
  }

  /**
   * Fences the log and applies its marks to the store, from the store's position up to the fence. The store then knows
   * every verdict of this log that has been or will be acknowledged under an older generation. May be called again
   * after a failure: it goes on from the store's position.
   *
   * @returns the log's id. @throws GenerationLost when another process has the lease, or when the next fill must read
   * every mark; AppError or a gRPC error
   */
  async from(log: WalLog, onProgress: (progress: FillProgress) => void): Promise<string> {
    const { store } = this.#tools
    await this.#renewLease()
    const { logId, sequence: fence } = await log.fence(this.#generation, this.#logSet)
    if (this.#fromStart && !this.#restarted.has(logId)) {
      await store.setPosition(logId, 1)
      this.#restarted.add(logId)
    }
    const positions = await store.positions()
    this.#readsAll ??= this.#fromStart || [...positions.values()].every((position) => position <= 1)
    const known = positions.get(logId) ?? 0
    // A log that is shorter than the store's position was restored from a copy: it is read from the beginning.
    const fromSequence = known > fence ? 1 : Math.max(1, known)
    let nextSequence = fromSequence
    onProgress({ fromSequence, nextSequence, endSequence: fence })
    while (nextSequence < fence) {
      const before = nextSequence
      for await (const response of log.readMarks(nextSequence)) {
        this.#tools.report(log, await this.#apply(response.marks))
        nextSequence = Math.max(nextSequence, response.nextSequence)
        await store.setPosition(logId, nextSequence)
        onProgress({ fromSequence, nextSequence, endSequence: fence })
        await this.#renewLease()
        await turn()
      }
      if (nextSequence === before) throw unavailable('the log ended before the fence that was just set')
    }
    await store.setPosition(logId, nextSequence)
    return logId
  }

  async #apply(marks: readonly wal.StoredMark[]): Promise<MarkTally> {
    const { store, ttlMs, clock } = this.#tools
    try {
      return await applyMarks(store, marks, {
        ttlMs,
        clock,
        hasExpired: (mark) => this.#hasExpired(mark),
        onExpired: ({ verdict }) => this.#expired.add(verdict.origin),
        seenIds: this.#seenIds,
      })
    } catch (error) {
      if (!(error instanceof FirstMarkUnknown)) throw error
      for (const logId of (await store.positions()).keys()) await store.setPosition(logId, 1)
      throw new GenerationLost('the index is filled again from all marks: an outcome may have expired')
    }
  }

  /**
   * A verdict of long ago with a young mark, and nothing in the store: this is its first mark, or an earlier one was read
   * before this fill, and it has expired since.
   * @throws FirstMarkUnknown
   */
  #hasExpired({ verdict }: IndexedMark): boolean {
    if (this.#expired.has(verdict.origin)) return true
    if (!this.#readsAll) throw new FirstMarkUnknown()
    return false
  }

  async #renewLease(): Promise<void> {
    if (!(await this.#tools.store.acquireLease()))
      throw new GenerationLost('another process is filling the index')
  }
}

/**
 * Applies the marks that were made since the fill, under the valid generation. So the next fill has little to read,
 * entries expire one TTL after their first mark, and marks that contradict each other are noticed.
 */
export async function follow(
  log: WalLog,
  logId: string,
  generation: string,
  { store, ttlMs, clock, report }: FillTools,
): Promise<void> {
  const fromSequence = (await store.positions()).get(logId) ?? 0
  for await (const response of log.readMarks(fromSequence)) {
    const startedMs = performance.now()
    const tally = await applyMarks(store, response.marks, {
      ttlMs,
      clock,
      // This index has answered with the verdict, so it had an entry for it; the entry is gone, so it has expired.
      hasExpired: (mark) => mark.generation === generation,
      onExpired: () => undefined,
    })
    report(log, tally)
    if (response.nextSequence > fromSequence) await store.setPosition(logId, response.nextSequence)
    // Following has time: it leaves at least half of the event loop's time to look-ups and puts.
    await sleep(performance.now() - startedMs)
  }
}

/** Lets calls that have arrived meanwhile run first. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
