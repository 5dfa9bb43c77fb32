import type { dedup } from '@fractal-lba/proto'
import { unavailable } from '@fractal-lba/runtime'
import { pause } from '../pause.js'
import type { Store } from '../store.js'
import type { IndexKeeper } from './index-keeper.js'
import { type ComparisonTools, MarkComparison } from './mark-comparison.js'
import type { WalLog } from './wal-log.js'

const PROGRESS_EVERY_MS = 200

/** What an operator may request of a running index. */
export interface Maintenance {
  /** Fills the store anew from all marks. It goes on after the caller has gone. */
  rebuild(stopping: AbortSignal): AsyncIterable<dedup.RebuildResponse>
  /** Compares the store with all marks. @throws AppError unavailable, also after some responses */
  verify(): AsyncIterable<dedup.VerifyResponse>
}

export function maintenanceOf(
  keeper: IndexKeeper,
  logs: readonly WalLog[],
  tools: ComparisonTools & { readonly store: Pick<Store, 'getMany' | 'state'> },
): Maintenance {
  return {
    async *rebuild(stopping) {
      const rebuilt = keeper.rebuild()
      let report: Awaited<typeof rebuilt> | undefined
      let failure: unknown
      rebuilt.then(
        (value) => {
          report = value
        },
        (error: unknown) => {
          failure = error
        },
      )
      while (report === undefined && failure === undefined && !stopping.aborted) {
        yield { share: keeper.fillShare, refusal: refusalOf(keeper), report: undefined }
        await pause(PROGRESS_EVERY_MS, stopping)
      }
      if (failure !== undefined) throw failure
      if (!report) throw unavailable('this process stops; the fill begins again with its next start')
      const { read, corrected, conflicts, unreadable, generation } = report
      const { remembered } = tools.store.state()
      const counts = { marks: read, corrected, contradictory: conflicts, unreadable, remembered, generation }
      yield { share: 1, refusal: '', report: counts }
    },
    async *verify() {
      const refusal = refusalOf(keeper)
      if (refusal !== '') throw unavailable(refusal)
      const comparison = new MarkComparison(tools)
      for (const log of logs) yield* comparison.through(log)
    },
  }
}

function refusalOf({ availability }: IndexKeeper): string {
  return availability.answers ? '' : availability.refusal
}
