import { type ProcessContext, type Running, refusalsOfNames, StartError, serve } from '@fractal-lba/runtime'
import type { DedupConfig } from './config.js'
import { IndexKeeper } from './index/index-keeper.js'
import { maintenanceOf } from './index/maintenance.js'
import { VerdictIndex } from './index/verdict-index.js'
import { connectWalLog, type WalLog } from './index/wal-log.js'
import { createDedupMetrics } from './metrics.js'
import { openStore } from './open-store.js'
import { readyReport } from './ready.js'
import { dedupService } from './service.js'

/** Starts the service in this process. */
export async function startDedup(config: DedupConfig, context: ProcessContext): Promise<Running> {
  const { logger, registry, stopping, fatal } = context
  const { ttlMs } = config
  const { clock } = context
  const [refusal] = await refusalsOfNames(config.walAddresses)
  if (refusal !== undefined) throw new StartError(`WAL_ADDR: ${refusal}`)
  // What expires here was stamped by a log.
  clock.awaitLog()

  const { store, prepare } = openStore(config, clock, logger)
  const metrics = createDedupMetrics(registry, store, () => clock.jumpMs)
  const prepared = await prepare(metrics)
  const connect = (address: string): WalLog =>
    connectWalLog(address, config.hopTimeoutMs, context, (state, sentMs, receivedMs) => {
      const { logId, clockMs: nowMs, clockUnconfirmed: unconfirmed } = state
      if (nowMs > 0) clock.noteLog(address, { logId, nowMs, unconfirmed }, sentMs, receivedMs)
    })
  const logs = config.walAddresses.map(connect)
  const keeper = new IndexKeeper(logs, { store, ttlMs, clock, waived: config.waivedLogs }, metrics, logger)
  const availability = () => keeper.availability
  const maintenance = maintenanceOf(keeper, { store, ttlMs, clock, connect })
  const index = new VerdictIndex(store, ttlMs, clock.latestMs, availability)

  let running = Promise.resolve()
  const serving = await serve(config, context, {
    services: [
      dedupService({
        ...{ index, store, availability, maintenance, metrics, clock, logger },
        async confirmClock(operatorClockMs) {
          clock.confirm(operatorClockMs)
          await Promise.allSettled(logs.map((log) => log.state()))
        },
      }),
    ],
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
