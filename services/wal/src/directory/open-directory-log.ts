import { closingOnFailure, monotonicMs, type ProcessContext } from '@fractal-lba/runtime'
import type { WalConfig } from '../config.js'
import { createCompactionMetrics, createLogMetrics, exposeDirectory } from '../metrics.js'
import type { OpenedLog } from '../opened-log.js'
import { AppendGuard } from './append-guard.js'
import { Compactor } from './compactor.js'
import { DirectoryLog } from './directory-log.js'
import { watchDirectory } from './directory-watch.js'
import { reportEvents } from './log-events.js'
import { watchTornFiles } from './torn-files-watch.js'

/** The log in WAL_DIR, with what looks after it: compaction, the guard of appends, watches. */
export async function openDirectoryLog(config: WalConfig, context: ProcessContext): Promise<OpenedLog> {
  const { logger, registry, clock, fatal, stopping } = context
  const log = await DirectoryLog.open(
    { ...config, clocks: { wallMs: clock.nowMs, monotonicMs }, trustedMs: clock.nowMs },
    {
      segmentBytes: config.segmentBytes,
      onFatal: fatal, // a flush that failed ends the process: the next start reads the disk
      onEvent: reportEvents(createLogMetrics(registry), logger),
    },
  )
  const { compactEveryMs: everyMs, retentionMs, dedupTtlMs, bytesMax } = config
  const compactor = new Compactor(
    log,
    { everyMs, retentionMs, dedupTtlMs, bytesMax, now: clock.expiredMs },
    createCompactionMetrics(registry),
    logger,
  )
  const guard = await closingOnFailure(
    AppendGuard.watch({ ...config, logRefusal: () => log.ownRefusal ?? compactor.refusal }, logger),
    () => log.close(),
  )
  log.guardBy(guard)
  compactor.start(() => guard.isLow)
  exposeDirectory(registry, guard, compactor)
  watchDirectory(log, { ...config, onLost: fatal }, stopping)
  watchTornFiles({ ...config, now: clock.expiredMs }, registry, logger, stopping)
  return {
    log,
    compaction: compactor,
    async close() {
      guard.close()
      await compactor.close()
      await log.close()
    },
  }
}
