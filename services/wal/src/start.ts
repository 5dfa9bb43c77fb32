import {
  closingOnFailure,
  type ProcessContext,
  type ReadyReport,
  type Running,
  serve,
} from '@fractal-lba/runtime'
import type { WalConfig } from './config.js'
import { AppendGuard } from './directory/append-guard.js'
import { Compactor } from './directory/compactor.js'
import { watchDirectory } from './directory/directory-watch.js'
import { reportEvents } from './directory/log-events.js'
import { watchTornFiles } from './directory/torn-files-watch.js'
import { SubmissionLog } from './log/backed-log.js'
import { createCompactionMetrics, createLogMetrics, exposeState } from './metrics.js'
import { readyReport } from './ready.js'
import { walService } from './service.js'

/** Starts the service in this process. */
export async function startWal(config: WalConfig, context: ProcessContext): Promise<Running> {
  const { logger, registry, fatal, stopping } = context
  const metrics = createLogMetrics(registry)
  const { clock } = context
  const log = await SubmissionLog.open(
    config.directory,
    config,
    {
      segmentBytes: config.segmentBytes,
      onFatal: fatal, // a flush that failed ends the process: the next start reads the disk
      onEvent: reportEvents(metrics, logger),
    },
    clock.nowMs,
  )
  const { compactEveryMs: everyMs, retentionMs, dedupTtlMs, bytesMax } = config
  const compactor = new Compactor(
    log,
    { everyMs, retentionMs, dedupTtlMs, bytesMax, now: clock.nowMs },
    createCompactionMetrics(registry),
    logger,
  )
  const guard = await closingOnFailure(
    AppendGuard.watch({ ...config, logRefusal: () => log.refusal ?? compactor.refusal }, logger),
    () => log.close(),
  )
  compactor.start(() => guard.isLow)
  exposeState(registry, log, guard, compactor)
  watchDirectory(log, { ...config, onLost: fatal }, stopping)
  watchTornFiles({ ...config, now: clock.nowMs }, registry, logger, stopping)
  logger.info({ logId: log.logId, head: log.head.sequence, open: log.openCount }, 'the log is open')

  const ready = (): ReadyReport => readyReport(guard.refusal, log.quarantinedSegments)
  return serve(config, context, {
    services: [walService(log, guard, compactor, logger, { clock, dedupTtlMs })],
    ready,
    async close() {
      guard.close()
      await compactor.close()
      await log.close()
    },
  })
}
