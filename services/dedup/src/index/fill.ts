import { setTimeout as sleep } from 'node:timers/promises'
import { type Clock, unavailable } from '@fractal-lba/runtime'
import { NotHeld } from '../generation-lost.js'
import type { Store } from '../store.js'
import { applyMarks, type MarkTally } from './apply-marks.js'
import { EndedLives } from './expired-verdicts.js'
import { SeenIds } from './seen-ids.js'
import type { WalLog } from './wal-log.js'

export interface FillTools {
  readonly store: Store
  readonly ttlMs: number
  readonly now: Clock
  readonly report: (log: WalLog, tally: MarkTally) => void
}

/** How far a fill has come in one log. */
export interface FillProgress {
  readonly fromSequence: number
  readonly nextSequence: number
  readonly endSequence: number
}

/** One fill of the index from all its logs, under one generation. */
export class Fill {
  readonly #ended = new EndedLives()
  readonly #fromStart: boolean
  /** Logs, by their id, of which everything is to be read and reading has begun. */
  readonly #begun = new Set<string>()
  readonly #vouched: SeenIds | undefined

  /** @param options fromStart: whatever the store says that it has. */
  constructor(
    readonly generation: string,
    private readonly tools: FillTools,
    { fromStart = false }: { readonly fromStart?: boolean } = {},
  ) {
    this.#fromStart = fromStart
    this.#vouched = fromStart ? new SeenIds() : undefined
  }

  /**
   * Fences the log and brings the store to what its marks say, from where the store has it up to the fence: then it
   * knows every verdict of this log that has been or will be acknowledged under an older generation. May be called
   * again after a failure; what was read is not read twice.
   *
   * @returns the log's id. @throws NotHeld when another process fills the store now; AppError or a gRPC error
   */
  async from(log: WalLog, onProgress: (progress: FillProgress) => void): Promise<string> {
    const { store } = this.tools
    await this.#renewClaim()
    const { logId, sequence: fence } = await log.fence(this.generation)
    if (this.#fromStart && !this.#begun.has(logId)) {
      await store.setPosition(logId, 1)
      this.#begun.add(logId)
    }
    const known = (await store.positions()).get(logId) ?? 0
    // A log that is shorter than what was read of it was restored from a copy: what was read means nothing now.
    const fromSequence = known > fence ? 1 : Math.max(1, known)
    let nextSequence = fromSequence
    onProgress({ fromSequence, nextSequence, endSequence: fence })
    while (nextSequence < fence) {
      const before = nextSequence
      for await (const response of log.readMarks(nextSequence)) {
        this.tools.report(
          log,
          await applyMarks(store, response.marks, {
            ttlMs: this.tools.ttlMs,
            now: this.tools.now,
            lifeIsOver: ({ verdict }) => this.#ended.has(verdict.origin),
            onExpired: ({ verdict }) => this.#ended.add(verdict.origin),
            vouched: this.#vouched,
          }),
        )
        nextSequence = Math.max(nextSequence, response.nextSequence)
        await store.setPosition(logId, nextSequence)
        onProgress({ fromSequence, nextSequence, endSequence: fence })
        await this.#renewClaim()
        await turn()
      }
      if (nextSequence === before) throw unavailable('the log ended before the fence that was just set')
    }
    await store.setPosition(logId, nextSequence)
    return logId
  }

  async #renewClaim(): Promise<void> {
    if (!(await this.tools.store.claim())) throw new NotHeld('another process is filling the index')
  }
}

/**
 * Reads what has been marked since, under the generation that is valid: keeps the next fill short, makes expiries
 * count from the first mark, and notices marks that contradict each other.
 */
export async function follow(
  log: WalLog,
  logId: string,
  generation: string,
  { store, ttlMs, now, report }: FillTools,
): Promise<void> {
  const fromSequence = (await store.positions()).get(logId) ?? 0
  for await (const response of log.readMarks(fromSequence)) {
    const startedMs = performance.now()
    const tally = await applyMarks(store, response.marks, {
      ttlMs,
      now,
      // This index gave the verdict, so it was there, and it was judged more than a TTL ago: it has expired since.
      lifeIsOver: (mark) => mark.generation === generation,
      onExpired: () => undefined,
    })
    report(log, tally)
    if (response.nextSequence > fromSequence) await store.setPosition(logId, response.nextSequence)
    // Nobody waits for this: at least half of the time is for those who ask.
    await sleep(performance.now() - startedMs)
  }
}

/** Lets calls that have arrived meanwhile go first. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
