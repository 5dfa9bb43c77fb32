import type { dedup } from '@fractal-lba/proto'
import { AppError, parseAddress, unavailable } from '@fractal-lba/runtime'
import { pause } from '../pause.js'
import type { Store } from '../store.js'
import type { IndexKeeper } from './index-keeper.js'
import { currentLogs } from './log-set.js'
import { type ComparisonTools, MarkComparison } from './mark-comparison.js'
import { Retirement, type RetirementTools, retirementObstacle } from './retirement.js'
import { misfit, type WalLog } from './wal-log.js'

const PROGRESS_EVERY_MS = 200

/** What an operator may request of a running index. */
export interface Maintenance {
  /** Fills the store anew from all marks. It goes on after the caller has gone. */
  rebuild(stopping: AbortSignal): AsyncIterable<dedup.RebuildResponse>
  /** Compares the store with all marks. @throws AppError unavailable, also after some responses */
  verify(): AsyncIterable<dedup.VerifyResponse>
  /** The logs of the store, asked now. */
  logs(): Promise<dedup.ListLogsResponse>
  /** Takes a further log in. @returns its id @throws AppError unavailable; superseded where it is none for this index */
  addLog(address: string): Promise<string>
  /** @throws AppError, also after some responses: see Retirement */
  retireLog(request: dedup.RetireLogRequest, stopping: AbortSignal): AsyncIterable<dedup.RetireLogResponse>
}

export interface MaintenanceTools extends ComparisonTools, RetirementTools {
  readonly store: Pick<Store, 'getMany' | 'state' | 'logSet' | 'filledGeneration'>
  readonly connect: (address: string) => WalLog
}

export function maintenanceOf(keeper: IndexKeeper, tools: MaintenanceTools): Maintenance {
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
      for (const log of [...keeper.logs]) yield* comparison.through(log)
    },
    async logs() {
      const refusal = refusalOf(keeper)
      return { answers: refusal === '', refusal, logs: await indexedLogs(keeper, tools) }
    },
    addLog: (address) => addLog(address, keeper, tools),
    retireLog: (request, stopping) => new Retirement(keeper, tools).retire(request, stopping),
  }
}

function refusalOf({ availability }: IndexKeeper): string {
  return availability.answers ? '' : availability.refusal
}

async function indexedLogs(keeper: IndexKeeper, tools: MaintenanceTools): Promise<dedup.IndexedLog[]> {
  const { reached } = await keeper.survey()
  const logSet = await tools.store.logSet()
  const current = currentLogs(logSet)
  const described = keeper.logs.map((log): dedup.IndexedLog => {
    const state = reached.get(log)
    const logId = state?.logId ?? keeper.logIdOf(log) ?? ''
    const known = { ...NO_LOG, logId, address: log.address, indexed: current.has(logId) }
    if (!state) return { ...known, obstacle: ABSENT, obstacleToCopying: ABSENT }
    const { retired, draining, openCount, deadLetterCount, lastMarkMs } = state
    return {
      ...{ ...known, reached: true, retired, draining, openCount, deadLetterCount, lastMarkMs },
      obstacle: retirementObstacle(state, { ...tools, copying: false }) ?? '',
      obstacleToCopying: retirementObstacle(state, { ...tools, copying: true }) ?? '',
    }
  })
  const ids = new Set(described.map(({ logId }) => logId))
  const elsewhere = [...logSet.logIds].filter((logId) => !ids.has(logId))
  const others = elsewhere.map((logId): dedup.IndexedLog => {
    const retired = logSet.retiredIds.has(logId)
    const obstacle = retired ? '' : NOT_NAMED
    return { ...NO_LOG, logId, indexed: !retired, retired, obstacle, obstacleToCopying: obstacle }
  })
  return [...described, ...others]
}

const ABSENT = 'it cannot be asked'
const NOT_NAMED = 'WAL_ADDR does not name it here'
const NO_LOG: dedup.IndexedLog = {
  ...{ logId: '', address: '', reached: false, indexed: false, retired: false, draining: false },
  ...{ openCount: 0, deadLetterCount: 0, lastMarkMs: 0, obstacle: '', obstacleToCopying: '' },
}

async function addLog(
  address: string,
  keeper: IndexKeeper,
  { connect, ttlMs }: MaintenanceTools,
): Promise<string> {
  if (parseAddress(address) === undefined) throw new AppError('malformed', 'the address is not host:port')
  const known = keeper.logs.find((log) => log.address === address)
  if (known) return (await known.state()).logId
  const log = connect(address)
  try {
    const state = await log.state()
    const other = keeper.logs.find((one) => keeper.logIdOf(one) === state.logId)
    const refusal = other
      ? `it is the log at ${other.address}, which is known`
      : state.retired
        ? 'it is retired'
        : misfit(log, state, ttlMs)
    if (refusal !== undefined) throw new AppError('superseded', refusal)
    keeper.addLog(log)
    return state.logId
  } catch (error) {
    log.close()
    throw error
  }
}
