import { join } from 'node:path'
import { type Env, readServiceConfig, type ServiceConfig } from '@fractal-lba/runtime'

export interface DedupConfig extends ServiceConfig {
  readonly ttlMs: number
  readonly memoryIdsMax: number
  readonly snapshotPath: string
  readonly snapshotEveryMs: number
  /** Of every log that this is the index of. */
  readonly walAddresses: readonly string[]
  readonly hopTimeoutMs: number
}

const DAY_MS = 86_400_000

export function readDedupConfig(env: Env): DedupConfig {
  if (env.text('DEDUP_BACKEND', 'memory') !== 'memory') {
    env.mistake('DEDUP_BACKEND is not one of the possible values, which are: memory')
  }
  const dataDirectory = env.text('DATA_DIR', './data')
  return {
    ...readServiceConfig(env, 8084),
    ttlMs: env.durationMs('DEDUP_TTL', 14 * DAY_MS, { min: 1_000, max: 3_650 * DAY_MS }),
    memoryIdsMax: env.integer('DEDUP_MEMORY_MAX', 1_000_000, { min: 1, max: 100_000_000 }),
    snapshotPath: env.text('DEDUP_SNAPSHOT', join(dataDirectory, 'dedup', 'snapshot')),
    snapshotEveryMs: env.durationMs('DEDUP_SNAPSHOT_INTERVAL', 60_000, { min: 1_000, max: DAY_MS }),
    walAddresses: env.addresses('WAL_ADDR', '127.0.0.1:8082'),
    hopTimeoutMs: env.durationMs('HOP_TIMEOUT', 1_000, { min: 10, max: 60_000 }),
  }
}
