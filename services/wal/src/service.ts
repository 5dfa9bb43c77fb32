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
import type { AppendGuard } from './directory/append-guard.js'
import type { Compactor } from './directory/compactor.js'
import type { SubmissionLog } from './log/backed-log.js'

const LEASE_ENTRIES_MAX = 256
/** Bodies of one lease answer stay well below the size limit of a message. */
const LEASE_MS_MAX = 60_000
const DEAD_LETTERS_MAX = 256

/** flk.wal.v1.WalService over the log: only translation, no rules. */
export function walService(
  log: SubmissionLog,
  guard: AppendGuard,
  compactor: Compactor,
  logger: Logger,
  { clock, dedupTtlMs }: { readonly clock: ProcessClock; readonly dedupTtlMs: number },
): GrpcService {
  const onError = (error: unknown): void => {
    if (toAppError(error).code === 'internal') logger.error({ err: error }, 'call failed')
  }

  const append = async (
    items: readonly wal.AppendItem[],
    { contexts }: HandledBatch,
  ): Promise<wal.AppendResult[]> => {
    try {
      guard.assertOpen()
      const positions = await log.append(items, contexts)
      return positions.map((value) => ({ result: { $case: 'position', value } }))
    } catch (error) {
      onError(error)
      const value = toStatus(error)
      return items.map(() => ({ result: { $case: 'error', value } }))
    }
  }

  const markDone = async (items: readonly wal.MarkItem[]): Promise<wal.MarkResult[]> => {
    try {
      const results = await log.markDone(items)
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
        guard.assertOpen()
        const [position] = await log.append([requireItem(item)], [context])
        return { position }
      },
      appendBatches: append,
      markDone: async ({ item }) => {
        const [result] = await log.markDone([requireItem(item)])
        if (result instanceof AppError) throw result
        return { position: result }
      },
      markDoneBatches: markDone,
      leaseOpen: async ({ entriesMax, leaseMs }) => {
        const entries = await log.leaseOpen(
          Math.min(entriesMax, LEASE_ENTRIES_MAX),
          Math.min(leaseMs, LEASE_MS_MAX),
        )
        return { entries, openCount: log.openCount }
      },
      readMarks: ({ fromSequence }) => log.readMarks(fromSequence),
      fence: async ({ generation }) => {
        const position = await log.fence(generation)
        logger.info(
          { position: position.sequence },
          'fence: marks of older generations of the index are refused',
        )
        return { position }
      },
      reportReplayFailure: async ({ position, reason }) => {
        const report = await log.reportReplayFailure(position, reason)
        if (report.deadLetter) {
          logger.error(
            { position: position?.sequence, tries: report.tries },
            'a submission failed replay for a reason of its own and was set aside; drive it again when that is mended',
          )
        }
        return report
      },
      listDeadLetters: ({ fromSequence, entriesMax }) =>
        log.listDeadLetters(fromSequence, Math.min(entriesMax || DEAD_LETTERS_MAX, DEAD_LETTERS_MAX)),
      driveAgain: async ({ sequence }) => ({ position: await log.redrive(sequence) }),
      compact: ({ dryRun }) => compactor.run(dryRun),
      getState: () => {
        const head = log.head
        return {
          logId: log.logId,
          nextSequence: head.sequence + 1,
          generation: log.generation,
          openCount: log.openCount,
          oldestOpenMs: log.oldestOpenMs,
          takesAppends: guard.refusal === undefined,
          refusal: guard.refusal ?? '',
          diskFreeBytes: guard.space.freeBytes,
          diskSizeBytes: guard.space.sizeBytes,
          headChain: head.chain,
          deadLetterCount: log.deadLetterCount,
          quarantinedSegments: [...log.quarantinedSegments],
          logBytes: log.sizeBytes,
          compactionShare: compactor.share,
          dedupTtlMs,
          clockMs: Math.round(clock.nowMs()),
          clockUnconfirmed: false,
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
