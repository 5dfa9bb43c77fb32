import { fileURLToPath, pathToFileURL } from 'node:url'
import { builtPrograms, type Environment, type Program } from '@fractal-lba/local'
import type { VariantName } from './bench-options.js'
import { type Backing, memoryBacking, postgresBacking, redisBacking } from './stores/backing.js'

/** One way to run the product. */
export interface Variant {
  readonly name: VariantName
  readonly programs: readonly Program[]
  /** Beside what all variants are started with. */
  readonly env: Environment
  /** What it keeps its verdicts in, beside its processes. */
  readonly backing?: () => Promise<Backing>
}

/** As `npm start` runs it: gateway and four services, streams of batches between them. */
export function productVariant(root: string): Variant {
  return { name: 'product', programs: builtPrograms(root), env: {}, backing: memoryBacking }
}

/** The product on a store that several dedup processes could share. */
export function storeVariant(root: string, name: 'redis' | 'postgres'): Variant {
  const backing = name === 'redis' ? redisBacking : postgresBacking
  return { name, programs: builtPrograms(root), env: {}, backing }
}

/** The product whose log flushes nothing: what flushing costs. */
export function unflushedVariant(root: string): Variant {
  const all = builtPrograms(root)
  const wal = all.find(({ name }) => name === 'wal')
  if (!wal) throw new Error('there is no program wal')
  const programs = all.map((program) =>
    program.name === 'wal' ? { ...program, main: mainOf('log/unflushed-wal') } : program,
  )
  const env = { BENCH_WAL_MAIN: pathToFileURL(wal.main).href }
  return { name: 'no-flush', programs, env }
}

/**
 * The product while its log is compacted without end: short segments, each read and written anew without its bodies
 * as soon as it is full.
 */
export function compactingVariant(root: string): Variant {
  const env = { WAL_SEGMENT_BYTES: '4Mi', WAL_RETENTION: '1s', WAL_COMPACT_EVERY: '1s' }
  return { name: 'compacting', programs: builtPrograms(root), env }
}

function mainOf(file: string): string {
  return fileURLToPath(new URL(`./${file}.js`, import.meta.url))
}
