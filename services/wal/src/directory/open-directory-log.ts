import { hostname } from 'node:os'
import { closingOnFailure, hostIdOf, monotonicMs, type ProcessContext } from '@fractal-lba/runtime'
import { guardedByOwner, nodeFiles } from '@fractal-lba/wal'
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
      files: guardedByOwner(nodeFiles, {
        node: { hostId: hostIdOf(), host: hostname() },
        onWatch: (host, forMs) =>
          logger.warn(
            { host, forMs },
            'the log was left open by another node, or before a restart of this one: watched first',
          ),
        onFailure: (error) =>
          logger.error(
            { err: error },
            'the owner file of the log cannot be written: no other node is kept away',
          ),
      }),
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
  const closing = new AbortController()
  const unread = log.readUnread(closing.signal).catch((error: unknown) => {
    fatal(error instanceof Error ? error : new Error(String(error)))
  })
  watchTornFiles({ ...config, now: clock.expiredMs }, registry, logger, stopping)
  return {
    log,
    compaction: compactor,
    async close() {
      closing.abort()
      await unread
      guard.close()
      await compactor.close()
      await log.close()
    },
  }
}
