import { type ReadyReport, runProcess, serve } from '@fractal-lba/runtime'
import { readWalConfig } from './config.js'
import { reportEvents } from './log-events.js'
import { createLogMetrics, exposeState } from './metrics.js'
import { readyReport } from './ready.js'
import { Room } from './room.js'
import { walService } from './service.js'
import { SubmissionLog } from './submission-log.js'

await runProcess('wal', readWalConfig, async (config, context) => {
  const { logger, registry, fatal, stopping } = context
  const metrics = createLogMetrics(registry)
  const log = await SubmissionLog.open(config.directory, config, {
    segmentBytes: config.segmentBytes,
    onFatal: fatal, // a flush that failed ends the process: the next start reads the disk
    onEvent: reportEvents(metrics, logger),
  })
  const room = await Room.watch({ ...config, logRefusal: () => log.refusal }, logger)
  exposeState(registry, log, room)
  logger.info({ logId: log.logId, head: log.head.sequence, open: log.openCount }, 'the log is open')

  const ready = (): ReadyReport => readyReport(room.refusal, log.quarantinedSegments)
  return serve(config, context, {
    services: [walService(log, room, logger, stopping)],
    ready,
    async close() {
      room.close()
      await log.close()
    },
  })
})
