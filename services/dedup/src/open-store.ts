import type { Clock, Logger } from '@fractal-lba/runtime'
import type { DedupConfig } from './config.js'
import { MemoryStore } from './memory/memory-store.js'
import { SnapshotSchedule } from './memory/snapshot-schedule.js'
import type { DedupMetrics } from './metrics.js'
import { PostgresServer } from './postgres/postgres-server.js'
import { RedisServer } from './redis/redis-server.js'
import { RemoteStore } from './remote/remote-store.js'
import type { Store } from './store.js'

/** A server gets this part of a hop's time, so that its silence is told before the caller's own deadline. */
const SHARE_OF_HOP = 0.75

export interface OpenStore {
  readonly store: Store
  /** What a store of this process alone keeps beside it. @throws StartError */
  keep(metrics: DedupMetrics): Promise<KeptStore>
}

export interface KeptStore {
  /** Before it is filled. */
  restore(): Promise<void>
  /** After the last write. */
  close(): Promise<void>
}

/** The store that the configuration names. One behind a network is connected to in the background. */
export function openStore(config: DedupConfig, now: Clock, logger: Logger): OpenStore {
  const { store: chosen, ttlMs, hopTimeoutMs } = config
  if (chosen.backend === 'memory') {
    const store = new MemoryStore({ idsMax: config.memoryIdsMax, ttlMs, now })
    return { store, keep: (metrics) => withSnapshots(config, store, metrics, logger) }
  }
  const options = { timeoutMs: Math.ceil(hopTimeoutMs * SHARE_OF_HOP), now, logger }
  const server =
    chosen.backend === 'redis'
      ? new RedisServer(chosen.redis, options)
      : new PostgresServer(chosen.postgres, options)
  const store = new RemoteStore(server, now)
  return { store, keep: async () => ({ restore: async () => {}, close: () => store.close() }) }
}

async function withSnapshots(
  { snapshotPath, snapshotEveryMs, ttlMs }: DedupConfig,
  store: MemoryStore,
  metrics: DedupMetrics,
  logger: Logger,
): Promise<KeptStore> {
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
