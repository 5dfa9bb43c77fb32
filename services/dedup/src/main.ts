import { runProcess, serve } from '@fractal-lba/runtime'
import { readDedupConfig } from './config.js'
import { IndexKeeper } from './index-keeper.js'
import { MemoryStore } from './memory-store.js'
import { createDedupMetrics } from './metrics.js'
import { readyReport } from './ready.js'
import { dedupService } from './service.js'
import { SnapshotSchedule } from './snapshot-schedule.js'
import { TrustedClock, watchClock } from './trusted-clock.js'
import { VerdictIndex } from './verdict-index.js'
import { connectWalLog } from './wal-log.js'

await runProcess('dedup', readDedupConfig, async (config, context) => {
  const { logger, registry, stopping, fatal } = context
  const { ttlMs } = config
  const clock = new TrustedClock()
  const now = clock.nowMs
  watchClock(clock, stopping, (jumpMs) =>
    logger.warn({ jumpMs }, 'the wall clock has jumped; nothing expires by it'),
  )

  const store = new MemoryStore({ idsMax: config.memoryIdsMax, ttlMs, now })
  const metrics = createDedupMetrics(registry, store, () => clock.jumpMs())
  const snapshots = new SnapshotSchedule(
    store,
    { path: config.snapshotPath, everyMs: config.snapshotEveryMs, ttlMs },
    metrics,
    logger,
  )
  await snapshots.prepare()
  const logs = config.walAddresses.map((address) => connectWalLog(address, config.hopTimeoutMs))
  const keeper = new IndexKeeper(logs, { store, ttlMs, now }, metrics, logger)
  const availability = () => keeper.availability
  const index = new VerdictIndex(store, ttlMs, now, availability)

  let kept = Promise.resolve()
  const running = await serve(config, context, {
    services: [dedupService({ index, store, availability, metrics, logger, draining: stopping })],
    ready: () => readyReport(keeper, store),
    async close() {
      for (const log of logs) log.close()
      await kept
      await snapshots.stop()
      await store.close()
    },
  })
  kept = snapshots.restore().then(() => keeper.run(stopping))
  kept.catch(fatal)
  return running
})
