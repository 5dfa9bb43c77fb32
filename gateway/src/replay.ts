import { setTimeout as sleep } from 'node:timers/promises'
import type { record, wal } from '@fractal-lba/proto'
import { AppError, type Logger, LostInFlight, monotonicMs, toAppError } from '@fractal-lba/runtime'
import { RecordFault } from './clients/record-fault.js'
import type { WalClient } from './clients/wal.js'
import type { ReplayConfig } from './config.js'
import type { Counters } from './counters.js'
import type { Ingest, Submission } from './ingest.js'
import type { Monitor } from './monitor.js'
import type { SubmissionReport } from './submission-report.js'
import { endTrace, type SubmissionTraces } from './traces.js'

/** Few enough that live traffic finds its place in every batch. */
const LEASE = { entriesMax: 128, bytesMax: 2 * 2 ** 20 } as const

/**
 * Finishes what was left open (a crash, an outage, a client that went away): leases open submissions from one log,
 * oldest first, and sends them the same way as live ones, at a bounded rate. Nothing of them was acknowledged, so
 * it does no harm when two gateways, or a late live request, finish the same one.
 *
 * Where a service ends over some of them, as many as may have been with it are sent alone, one after the other: the one
 * that ends it every time is found, and the log sets it aside like any other that fails for a reason of its own.
 */
export async function replayOpenEntries(
  log: WalClient,
  { ingest, monitor, counters, report, logger, traces, config }: ReplayParts,
  stopping: AbortSignal,
): Promise<void> {
  let hasFailed = false
  let aloneCount = 0
  while (!stopping.aborted) {
    const startedMs = monotonicMs()
    const finished = monitor.complete ? await replayOnce(log) : 0
    const paceMs = (finished / config.rate) * 1000
    const restMs = finished === 0 ? config.pollMs : Math.max(0, paceMs - (monotonicMs() - startedMs))
    await sleep(restMs, undefined, { signal: stopping }).catch(() => undefined)
  }

  async function replayOnce(wal: WalClient): Promise<number> {
    try {
      const entriesMax = aloneCount > 0 ? 1 : LEASE.entriesMax
      const { entries, openCount } = await wal.leaseOpen({ ...LEASE, entriesMax, leaseMs: config.leaseMs })
      hasFailed = false
      aloneCount = Math.max(0, aloneCount - entries.length)
      const results = await Promise.all(entries.map((entry) => finishOne(wal, entry, entriesMax === 1)))
      const finished = results.filter(Boolean).length
      if (entries.length > 0) logger.info({ finished, open: openCount }, 'replay of open submissions')
      return finished
    } catch (error) {
      counters.leaseErrors.inc()
      // Told once for a row of failures; the metric counts them all.
      if (!hasFailed) logger.error({ err: error, log: wal.address }, 'no open submissions could be leased')
      hasFailed = true
      return 0
    }
  }

  async function finishOne(
    wal: WalClient,
    { position, body, encoding, context }: wal.OpenEntry,
    alone: boolean,
  ): Promise<boolean> {
    if (!position) return false
    const trace = traces?.replay(context, position)
    const submission: Submission = { body, encoding, context: trace ?? context }
    try {
      // A refusal is an end too.
      const answered = await ingest.replay(submission, { wal, position }, { alone })
      endTrace(trace, answered)
      report.finishedByReplay(answered, submission)
    } catch (error) {
      endTrace(trace, toAppError(error))
      if (error instanceof LostInFlight) aloneCount = LEASE.entriesMax
      report.staysOpen(error, position, submission)
      await reportFailure(wal, position, error)
      return false
    }
    counters.replayed.inc()
    return true
  }

  /** The log ends the lease, counts what is no outage, and sets the submission aside when that was too often. */
  async function reportFailure(wal: WalClient, position: record.Position, error: unknown): Promise<void> {
    try {
      const reason = toAppError(error).message
      const { tries, deadLetter } = await wal.reportReplayFailure(position, reason, !isOwnFault(error))
      if (deadLetter)
        logger.error({ position, tries }, 'replay: the submission was set aside as a dead letter')
    } catch (failed) {
      logger.debug({ err: failed, position }, 'a failed replay could not be reported')
    }
  }
}

export interface ReplayParts {
  readonly ingest: Ingest
  readonly monitor: Monitor
  readonly counters: Counters
  readonly report: Pick<SubmissionReport, 'finishedByReplay' | 'staysOpen'>
  readonly logger: Logger
  readonly config: ReplayConfig
  readonly traces?: SubmissionTraces | undefined
}

/**
 * Whether a replay failed because of this submission, so that it will fail again: a service made a mistake over
 * it or ended over it alone, its mark was refused as malformed, or we made a mistake ourselves. Never an outage.
 */
export function isOwnFault(error: unknown): boolean {
  if (error instanceof LostInFlight) return error.wasAlone
  return error instanceof RecordFault || !(error instanceof AppError) || error.code === 'internal'
}
