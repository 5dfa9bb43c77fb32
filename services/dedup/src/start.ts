import { type ProcessContext, type Running, serve, TrustedClock, watchClock } from '@fractal-lba/runtime'
import type { DedupConfig } from './config.js'
import { IndexKeeper } from './index/index-keeper.js'
import { maintenanceOf } from './index/maintenance.js'
import { VerdictIndex } from './index/verdict-index.js'
import { connectWalLog } from './index/wal-log.js'
import { createDedupMetrics } from './metrics.js'
import { openStore } from './open-store.js'
import { readyReport } from './ready.js'
import { dedupService } from './service.js'

/** Starts the service in this process. */
export async function startDedup(config: DedupConfig, context: ProcessContext): Promise<Running> {
  const { logger, registry, stopping, fatal } = context
  const { ttlMs } = config
  const clock = new TrustedClock()
  const now = clock.nowMs
  watchClock(clock, stopping, (jumpMs) =>
    logger.warn({ jumpMs }, 'the wall clock has jumped; nothing expires by it'),
  )

  const { store, prepare } = openStore(config, now, logger)
  const metrics = createDedupMetrics(registry, store, () => clock.jumpMs())
  const prepared = await prepare(metrics)
  const logs = config.walAddresses.map((address) => connectWalLog(address, config.hopTimeoutMs, context))
  const keeper = new IndexKeeper(logs, { store, ttlMs, now, waived: config.waivedLogs }, metrics, logger)
  const availability = () => keeper.availability
  const maintenance = maintenanceOf(keeper, logs, { store, ttlMs, now })
  const index = new VerdictIndex(store, ttlMs, now, availability)

  let running = Promise.resolve()
  const serving = await serve(config, context, {
    services: [dedupService({ index, store, availability, maintenance, metrics, logger })],
    ready: () => readyReport(keeper, store),
    async close() {
      for (const log of logs) log.close()
      await running
      await prepared.close()
    },
  })
  running = prepared.restore().then(() => keeper.run(stopping))
  running.catch(fatal)
  return serving
}
