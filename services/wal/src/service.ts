import { wal } from '@fractal-lba/proto'
import {
  AppError,
  type GrpcService,
  grpcService,
  type HandledBatch,
  type Logger,
  type ProcessClock,
  toAppError,
  toStatus,
} from '@fractal-lba/runtime'
import type { LogClock } from './log-clock.js'
import type { OpenedLog } from './opened-log.js'

const LEASE_COUNT_MAX = 256
/** Half of what a message may have: the traces of the submissions stand beside their bodies. */
const LEASE_BYTES_MAX = 4 * 2 ** 20
const LEASE_MS_MAX = 60_000
const DEAD_LETTERS_MAX = 256
const COPIED_MARKS_MAX = 1_024

interface ClockParts {
  readonly clock: ProcessClock
  readonly logClock: LogClock
  readonly dedupTtlMs: number
}

/** flk.wal.v1.WalService over the log: only translation, no rules. Compact is UNIMPLEMENTED where the log has none. */
export function walService(
  { log, compaction }: OpenedLog,
  logger: Logger,
  { clock, logClock, dedupTtlMs }: ClockParts,
): GrpcService {
  const onError = (error: unknown): void => {
    if (toAppError(error).code === 'internal') logger.error({ err: error }, 'call failed')
  }

  const requireLog = (logId: string): void => {
    if (logId !== log.logId)
      throw new AppError('superseded', 'this is another log than the one that is meant')
  }

  const append = async (
    items: readonly wal.AppendItem[],
    { contexts }: HandledBatch,
  ): Promise<wal.AppendResult[]> => {
    try {
      const positions = await log.append(items, contexts)
      for (const [item, context] of contexts.entries()) {
        context?.note?.({ 'pcs.log_id': log.logId, 'pcs.log_sequence': positions[item]?.sequence ?? 0 })
      }
      return positions.map((value) => ({ result: { $case: 'position', value } }))
    } catch (error) {
      onError(error)
      const value = toStatus(error)
      return items.map(() => ({ result: { $case: 'error', value } }))
    }
  }

  const markDone = async (
    items: readonly wal.MarkItem[],
    { contexts }: HandledBatch,
  ): Promise<wal.MarkResult[]> => {
    try {
      const results = await log.mark(items)
      for (const [item, context] of contexts.entries()) {
        const { sequence, status } = items[item]?.mark ?? {}
        context?.note?.({
          'pcs.log_id': log.logId,
          'pcs.log_sequence': sequence ?? 0,
          'pcs.status': status ?? 0,
        })
      }
      return results.map((result) =>
        result instanceof AppError
          ? { result: { $case: 'error', value: toStatus(result) } }
          : { result: { $case: 'position', value: result } },
      )
    } catch (error) {
      onError(error)
      const value = toStatus(error)
      return items.map(() => ({ result: { $case: 'error', value } }))
    }
  }

  return grpcService(
    wal.WalServiceService,
    {
      append: async ({ item }, { context }) => {
        const [position] = await log.append([requireItem(item)], [context])
        return { position }
      },
      appendBatches: append,
      markDone: async ({ item }) => {
        const [result] = await log.mark([requireItem(item)])
        if (result instanceof AppError) throw result
        return { position: result }
      },
      markDoneBatches: markDone,
      leaseOpen: async ({ entriesMax, bytesMax, leaseMs }) => {
        const limits = {
          countMax: Math.min(entriesMax, LEASE_COUNT_MAX),
          bytesMax: Math.min(bytesMax || LEASE_BYTES_MAX, LEASE_BYTES_MAX),
        }
        const entries = await log.leaseOpen(limits, Math.min(leaseMs, LEASE_MS_MAX))
        return { entries, openCount: log.status().openCount }
      },
      readMarks: ({ fromSequence }) => log.readMarks(fromSequence),
      fence: async ({ generation, ...logs }) => {
        const position = await log.fence(generation, logs)
        logger.info(
          { position: position.sequence },
          'fence: marks of older generations of the index are refused',
        )
        return { position }
      },
      reportReplayFailure: async ({ position, reason, isOutage }) => {
        const report = await log.reportReplayFailure(position, reason, { isOutage })
        if (report.deadLetter) {
          logger.error(
            { position: position?.sequence, tries: report.tries },
            'a submission failed replay for a reason of its own and was set aside; redrive it when that is mended',
          )
        }
        return report
      },
      listDeadLetters: ({ fromSequence, entriesMax }) =>
        log.listDeadLetters(fromSequence, Math.min(entriesMax || DEAD_LETTERS_MAX, DEAD_LETTERS_MAX)),
      driveAgain: async ({ sequence }) => ({ position: await log.redrive(sequence) }),
      drain: async ({ draining }) => {
        await log.drain(draining)
        const { openCount } = log.status()
        logger.info({ open: openCount }, draining ? 'the log drains' : 'the log takes submissions again')
        return { openCount }
      },
      copyMarks: async ({ logId, fromLogId, marks }) => {
        requireLog(logId)
        if (marks.length > COPIED_MARKS_MAX) {
          throw new AppError('malformed', `at most ${COPIED_MARKS_MAX} marks are copied at once`)
        }
        const complete = marks.flatMap(({ mark, ...where }) => (mark ? [{ ...where, mark }] : []))
        return { position: await log.copyMarks(fromLogId, complete) }
      },
      retire: async ({ logId, nextSequence }) => {
        requireLog(logId)
        const position = await log.retire(nextSequence)
        logger.warn({ position: position.sequence }, 'the log is retired')
        return { position }
      },
      ...(compaction && { compact: ({ dryRun }: wal.CompactRequest) => compaction.run(dryRun) }),
      confirmClock: async ({ operatorClockMs }) => {
        await logClock.confirm(operatorClockMs)
        const { nowMs, judgement } = clock
        logger.warn({ clockMs: nowMs(), doubt: judgement.why }, 'the clock was confirmed by an operator')
        return { clockMs: Math.round(nowMs()), doubt: judgement.why ?? '' }
      },
      getState: () => {
        const { stampMs, clockUnconfirmed } = log.clock()
        const { headSequence, headChain, generation, openCount, refusal, space, ...status } = log.status()
        return {
          logId: log.logId,
          indexLogIds: [...status.fencedLogs.indexLogIds],
          retiredLogIds: [...status.fencedLogs.retiredLogIds],
          lastMarkMs: status.lastMarkMs,
          draining: status.draining,
          retired: status.retired,
          nextSequence: headSequence + 1,
          generation,
          openCount,
          oldestOpenMs: status.oldestOpenAgeMs,
          takesAppends: refusal === undefined,
          refusal: refusal ?? '',
          diskFreeBytes: space?.freeBytes ?? 0,
          diskSizeBytes: space?.sizeBytes ?? 0,
          headChain,
          deadLetterCount: status.deadLetterCount,
          quarantinedSegments: [...status.damaged],
          logBytes: status.sizeBytes,
          compactionShare: compaction?.share,
          dedupTtlMs,
          clockMs: stampMs,
          clockUnconfirmed: clockUnconfirmed && !clock.isTrusted,
        }
      },
    },
    onError,
  )
}

function requireItem<T>(item: T | undefined): T {
  if (item === undefined) throw new AppError('malformed', 'the request has no item')
  return item
}
