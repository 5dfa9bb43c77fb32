import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Constellation, Environment } from '@fractal-lba/local'
import { startPostgres, startRedis } from '@fractal-lba/test-servers'

/** Where a variant keeps its verdicts: made anew for each measurement, and gone afterwards. */
export interface Backing {
  readonly env: Environment
  /** Of all that it takes to remember ids: by its growth an id is weighed. */
  sizeBytes(constellation: Constellation): Promise<number>
  close(): Promise<void>
}

/** The memory of the dedup process; it grows by more than what it remembers. */
export async function memoryBacking(): Promise<Backing> {
  return {
    env: { DEDUP_BACKEND: 'memory' },
    async sizeBytes(constellation) {
      const pid = constellation.pids().dedup
      if (pid === undefined) throw new Error('there is no dedup process')
      const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
      return Number(kibibytes) * 1_024
    },
    close: async () => {},
  }
}

/** Keeps nothing on the disk: what it loses is filled from the log. */
export async function redisBacking(): Promise<Backing> {
  const redis = await startRedis()
  return {
    env: { DEDUP_BACKEND: 'redis', REDIS_ADDR: redis.address },
    sizeBytes: async () => Number(/^used_memory:(\d+)/m.exec(await redis.cli('info', 'memory'))?.[1]),
    close: () => redis.close(),
  }
}

/** As it is installed, with its flushes. */
export async function postgresBacking(): Promise<Backing> {
  const postgres = await startPostgres({ config: { fsync: 'on' } })
  return {
    env: { DEDUP_BACKEND: 'postgres', POSTGRES_CONN: postgres.conninfo },
    // Tables and indexes, without the log of its own that it goes round in.
    sizeBytes: async () => filesBytes(join(postgres.directory, 'data', 'base')),
    close: () => postgres.close(),
  }
}

function filesBytes(directory: string): number {
  let total = 0
  for (const entry of readdirSync(directory, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue
    // A file may be gone by now.
    total += statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.size ?? 0
  }
  return total
}
