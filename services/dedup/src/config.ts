import { join } from 'node:path'
import {
  type Env,
  PORT_DEFAULT,
  readAddresses,
  readDataDirectory,
  readDedupTtlMs,
  readHopTimeoutMs,
  readServiceConfig,
  type ServiceConfig,
} from '@fractal-lba/runtime'
import { type ChosenBackend, readBackend } from './backends.js'

export interface DedupConfig extends ServiceConfig {
  /** Where the verdicts are kept; undefined: in the memory of this process. */
  readonly backend: ChosenBackend | undefined
  readonly ttlMs: number
  readonly memoryIdsMax: number
  readonly snapshotPath: string
  readonly snapshotEveryMs: number
  /** Of every log that this is the index of. */
  readonly walAddresses: readonly string[]
  /** Of those that a fill may go without while they cannot be read. */
  readonly waivedLogs: ReadonlySet<string>
  readonly hopTimeoutMs: number
}

const DAY_MS = 86_400_000

export function readDedupConfig(env: Env): DedupConfig {
  const backend = readBackend(env)
  const walAddresses = readAddresses(env, 'wal', PORT_DEFAULT)
  return {
    ...readServiceConfig(env, 'dedup'),
    backend,
    ttlMs: readDedupTtlMs(env),
    memoryIdsMax: env.integer('DEDUP_MEMORY_MAX', 1_000_000, { min: 1, max: 100_000_000 }),
    snapshotPath: env.text('DEDUP_SNAPSHOT', join(readDataDirectory(env), 'dedup', 'snapshot')),
    snapshotEveryMs: env.durationMs('DEDUP_SNAPSHOT_INTERVAL', 60_000, { min: 1_000, max: DAY_MS }),
    walAddresses,
    waivedLogs: readWaived(env, walAddresses),
    hopTimeoutMs: readHopTimeoutMs(env),
  }
}

function readWaived(env: Env, walAddresses: readonly string[]): ReadonlySet<string> {
  if (env.optional('DEDUP_WAIVED_LOGS') === undefined) return new Set()
  const waived = env.addresses('DEDUP_WAIVED_LOGS', '')
  for (const address of waived) {
    if (!walAddresses.includes(address)) {
      env.mistake(`DEDUP_WAIVED_LOGS names ${address}, which is not one of WAL_ADDR`)
    }
  }
  return new Set(waived)
}
