import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { builtPrograms, type Environment, type Program } from '@fractal-lba/local'
import type { VariantName } from './bench-options.js'
import { type Backing, memoryBacking, postgresBacking, redisBacking } from './stores/backing.js'

/** One way to run the product. */
export interface Variant {
  readonly name: VariantName
  readonly programs: readonly Program[]
  /** @param dataDir of the measurement. */
  readonly envIn: (dataDir: string) => Environment
  /** What it keeps its verdicts in, beside its processes. */
  readonly backing?: () => Promise<Backing>
}

/** Channels and calls under way of one hop of the unary path. */
export interface UnarySetting {
  readonly channels: number
  readonly callsMax: number
}

/** As `npm start` runs it: gateway and four services, streams of batches between them. */
export function productVariant(root: string): Variant {
  return { name: 'product', programs: builtPrograms(root), envIn: () => ({}), backing: memoryBacking }
}

/** The product on a store that several dedup processes could share. */
export function storeVariant(root: string, name: 'redis' | 'postgres'): Variant {
  const backing = name === 'redis' ? redisBacking : postgresBacking
  return { name, programs: builtPrograms(root), envIn: () => ({}), backing }
}

/** The same five processes, but the gateway asks the services for each record and hop by a call of its own. */
export function unaryVariant(root: string, { channels, callsMax }: UnarySetting): Variant {
  const programs = builtPrograms(root).map((program) =>
    program.name === 'gateway' ? { ...program, main: mainOf('unary-gateway') } : program,
  )
  const env = {
    BENCH_UNARY_CHANNELS: String(channels),
    BENCH_UNARY_CALLS: String(callsMax),
    // It may take its time: at 256 connections, before the compilers have warmed up, it needs more than the product has.
    HOP_TIMEOUT: '10s',
    SUBMIT_TIMEOUT: '20s',
  }
  return { name: 'unary', programs, envIn: () => env }
}

/** Everything in the gateway's process, without gRPC inside. */
export function oneProcessVariant(): Variant {
  return {
    name: 'one-process',
    programs: [{ name: 'gateway', main: mainOf('one-process') }],
    envIn: (dataDir) => ({ WAL_DIR: join(dataDir, 'wal') }),
  }
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
  return { name: 'no-flush', programs, envIn: () => env }
}

/**
 * The product while its log is compacted without end: short segments, each read and written anew without its bodies
 * as soon as it is full.
 */
export function compactingVariant(root: string): Variant {
  const env = { WAL_SEGMENT_BYTES: '4Mi', WAL_RETENTION: '1s', WAL_COMPACT_EVERY: '1s' }
  return { name: 'compacting', programs: builtPrograms(root), envIn: () => env }
}

function mainOf(file: string): string {
  return fileURLToPath(new URL(`./${file}.js`, import.meta.url))
}
