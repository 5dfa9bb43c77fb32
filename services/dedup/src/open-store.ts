import type { ExpiryClock, Logger } from '@fractal-lba/runtime'
import type { DedupConfig } from './config.js'
import { MemoryStore } from './memory/memory-store.js'
import { SnapshotSchedule } from './memory/snapshot-schedule.js'
import type { DedupMetrics } from './metrics.js'
import { RemoteStore } from './remote/remote-store.js'
import type { Store } from './store.js'

/** An operation on a server times out after this part of a hop's time, so that its caller still gets the error. */
const SHARE_OF_HOP = 0.75

export interface OpenStore {
  readonly store: Store
  /** Prepares what the store needs beside it, such as a directory for snapshots. @throws StartError */
  prepare(metrics: DedupMetrics): Promise<PreparedStore>
}

export interface PreparedStore {
  /** Called before the store is filled. */
  restore(): Promise<void>
  /** Called after the last write. */
  close(): Promise<void>
}

/** The store that the configuration names. One behind a network is connected to in the background. */
export function openStore(config: DedupConfig, clock: ExpiryClock, logger: Logger): OpenStore {
  const { backend, ttlMs, hopTimeoutMs } = config
  if (!backend) {
    const store = new MemoryStore({ idsMax: config.memoryIdsMax, ttlMs, now: clock.expiredMs })
    return { store, prepare: (metrics) => withSnapshots(config, store, metrics, logger) }
  }
  const options = { timeoutMs: Math.ceil(hopTimeoutMs * SHARE_OF_HOP), clock, logger }
  const store = new RemoteStore(backend.open(options), clock)
  return { store, prepare: async () => ({ restore: async () => {}, close: () => store.close() }) }
}

async function withSnapshots(
  { snapshotPath, snapshotEveryMs, ttlMs }: DedupConfig,
  store: MemoryStore,
  metrics: DedupMetrics,
  logger: Logger,
): Promise<PreparedStore> {
  const options = { path: snapshotPath, everyMs: snapshotEveryMs, ttlMs }
  const snapshots = new SnapshotSchedule(store, options, metrics, logger)
  await snapshots.prepare()
  return {
    restore: () => snapshots.restore(),
    async close() {
      await snapshots.stop()
      await store.close()
    },
  }
}
