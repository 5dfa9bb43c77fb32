import { type ProcessContext, type ReadyReport, type Running, serve } from '@fractal-lba/runtime'
import type { WalConfig } from './config.js'
import { openDirectoryLog } from './directory/open-directory-log.js'
import { watchLogClock } from './log-clock.js'
import { exposeLog } from './metrics.js'
import type { OpenLog } from './opened-log.js'
import { readyReport } from './ready.js'
import { walService } from './service.js'

/** Starts the service in this process. @param open what kind of log it serves */
export async function startWal(
  config: WalConfig,
  context: ProcessContext,
  open: OpenLog = openDirectoryLog,
): Promise<Running> {
  const { logger, registry, clock, stopping } = context
  const { dedupTtlMs, clockOffsetMaxMs: limitMs } = config
  clock.awaitLog()
  const opened = await open(config, context)
  const { log } = opened
  exposeLog(registry, log)
  const { headSequence: head, openCount } = log.status()
  logger.info({ logId: log.logId, head, open: openCount }, 'the log is open')
  const logClock = await watchLogClock(log, clock, { limitMs, logger, stopping })
  const ready = (): ReadyReport => readyReport(log.status())
  return serve(config, context, {
    services: [walService(opened, logger, { clock, logClock, dedupTtlMs })],
    ready,
    close: () => opened.close(),
  })
}
