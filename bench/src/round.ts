import { mkdtemp, rm } from 'node:fs/promises'
import { cpus } from 'node:os'
import { join } from 'node:path'
import {
  cpuMsOf,
  type Latencies,
  LoadClient,
  type LoadResult,
  type LoadTarget,
  stolenMs,
} from '@fractal-lba/load'
import { type Constellation, freePortBlock, type ProgramName, startConstellation } from '@fractal-lba/local'
import type { Profiling } from './profiling.js'
import type { Backing } from './stores/backing.js'
import type { Variant } from './variants.js'

/** What all measurements of a bench have in common. */
export interface Bench {
  readonly root: string
  /** Each measurement has a directory of its own below it, removed afterwards. */
  readonly dataDir: string
  /** The key that the requests are signed with. */
  readonly hmacKey: string
  /** Distinct requests; each measurement starts at the first. */
  readonly requests: readonly Buffer[]
  readonly connections: number
  readonly signal: AbortSignal
}

export interface Durations {
  readonly warmupMs: number
  readonly measuredMs: number
  /** Over a single connection; 0 leaves it out. */
  readonly loneMs: number
}

/** The figures of one variant in one round. */
export interface Measurement {
  readonly load: LoadResult
  /** CPU time of all processes of the product in the measured time. */
  readonly productCpuMs: number
  readonly clientCpuMs: number
  readonly lone: LoneMeasurement | undefined
  /** By how much the store has grown, for each id that it remembers since. */
  readonly idBytes?: number
}

export interface LoneMeasurement {
  readonly latencies: Latencies
  /** Of the time of all cores meanwhile, what the machine below this one gave to others: 0 to 1. */
  readonly stolenShare: number
}

/** The bench came to no figures that mean something; the message says why. */
export class BenchFailure extends Error {
  override readonly name = 'BenchFailure'
}

/** The machine's own variables; none of the product's gets in from somebody's shell. */
export const MACHINE_VARIABLES = ['PATH', 'HOME', 'LANG', 'TZ']
const LOG_LINES_SHOWN = 5
const WARMUP_ANSWERS = 5_000
const WARMUP_PARTS_MAX = 4

/** Starts the variant anew, on empty data, and puts it under load. Nothing of it is left afterwards. */
export async function measure(
  bench: Bench,
  variant: Variant,
  durations: Durations,
  profiling?: Profiling,
): Promise<Measurement> {
  const ports = await freePortBlock()
  const dataDir = await mkdtemp(join(bench.dataDir, `bench-${variant.name}-`))
  let constellation: Constellation | undefined
  let backing: Backing | undefined
  try {
    backing = await variant.backing?.()
    constellation = await start(bench, variant, ports.base, dataDir, backing, profiling)
    const emptyBytes = await backing?.sizeBytes(constellation)
    const { ids, ...measurement } = await underLoad(bench, constellation, durations, profiling)
    if (backing === undefined || emptyBytes === undefined) return measurement
    return { ...measurement, idBytes: ((await backing.sizeBytes(constellation)) - emptyBytes) / ids }
  } catch (error) {
    if (!constellation || !(error instanceof BenchFailure)) throw error
    throw new BenchFailure(`${variant.name}: ${error.message}${lastComplaints(constellation, variant)}`)
  } finally {
    await constellation?.stop()
    await backing?.close()
    await rm(dataDir, { recursive: true, force: true })
    await ports.release()
  }
}

function start(
  bench: Bench,
  variant: Variant,
  port: number,
  dataDir: string,
  backing: Backing | undefined,
  profiling: Profiling | undefined,
): Promise<Constellation> {
  const own = (name: ProgramName) => [name, profiling?.environmentOf(name) ?? {}] as const
  return startConstellation({
    port,
    dataDir,
    cwd: bench.root,
    supervise: false,
    programs: variant.programs,
    inherit: Object.fromEntries(MACHINE_VARIABLES.map((name) => [name, process.env[name]])),
    env: {
      ...{ PCS_SIGN_ALG: 'hmac', PCS_HMAC_KEY: bench.hmacKey, TOKEN_RATE: '0' },
      ...backing?.env,
      ...variant.env,
    },
    envOf: Object.fromEntries(variant.programs.map(({ name }) => own(name))),
    signal: bench.signal,
  })
}

async function underLoad(
  { requests, connections, signal }: Bench,
  constellation: Constellation,
  { warmupMs, measuredMs, loneMs }: Durations,
  profiling: Profiling | undefined,
): Promise<Measurement & { readonly ids: number }> {
  const target = { host: '127.0.0.1', port: constellation.port }
  const pids = Object.values(constellation.pids())
  let sent = 0
  const next = (): Buffer | undefined => requests[sent++]

  const crowd = await withClient({ ...target, connections }, signal, async (client) => {
    await warmUp(client, next, warmupMs)
    await profiling?.toggle(constellation)
    const productBeforeMs = cpuMsOf(pids)
    const clientBefore = process.cpuUsage()
    const load = await client.run({ next, durationMs: measuredMs })
    const productCpuMs = cpuMsOf(pids) - productBeforeMs
    const { user, system } = process.cpuUsage(clientBefore)
    await profiling?.toggle(constellation)
    demandGoodAnswers(load)
    return { load, productCpuMs, clientCpuMs: (user + system) / 1000 }
  })
  // Each request has an id of its own; after the last one there are none.
  const idsSoFar = (): number => Math.min(sent, requests.length)
  if (loneMs === 0) return { ...crowd, lone: undefined, ids: idsSoFar() }

  const lone = await withClient({ ...target, connections: 1 }, signal, async (client) => {
    const stolenBeforeMs = stolenMs()
    const result = await client.run({ next, durationMs: loneMs })
    const stolenShare = (stolenMs() - stolenBeforeMs) / (result.elapsedMs * cpus().length)
    demandGoodAnswers(result)
    return { latencies: result.latencies, stolenShare }
  })
  return { ...crowd, lone, ids: idsSoFar() }
}

/** Longer for who is slow: what its compilers have not seen often enough is not what it can do. */
async function warmUp(client: LoadClient, next: () => Buffer | undefined, durationMs: number): Promise<void> {
  let answers = 0
  for (let part = 0; part < WARMUP_PARTS_MAX && answers < WARMUP_ANSWERS; part += 1) {
    const load = await client.run({ next, durationMs })
    demandGoodAnswers(load)
    answers += load.answers
  }
}

/** A client that is closed at the end, and at once, with the run under way, when the bench is given up. */
async function withClient<T>(
  target: LoadTarget,
  signal: AbortSignal,
  use: (client: LoadClient) => Promise<T>,
): Promise<T> {
  const client = await LoadClient.open(target)
  const close = (): void => client.close()
  signal.addEventListener('abort', close)
  try {
    signal.throwIfAborted()
    return await use(client)
  } finally {
    signal.removeEventListener('abort', close)
    close()
  }
}

/** Figures count only when every request got an outcome: 2xx, or the 409 that is one too. */
export function demandGoodAnswers({ answers, answersByStatus, refusals, failures }: LoadResult): void {
  const bad = [...answersByStatus].filter(([status]) => status >= 300 && status !== 409)
  const complaints = [
    ...bad.map(([status, count]) => `${count} answers ${status} (the first: ${refusals.get(status) ?? ''})`),
    ...[...failures].map(([why, count]) => `${count} requests without an answer (${why})`),
  ]
  if (complaints.length > 0)
    throw new BenchFailure(`${complaints.join(', ')} beside ${answers} answers in all`)
  if (answers === 0) throw new BenchFailure('not one answer')
}

/** What the processes have logged last that is no mere information. */
function lastComplaints(constellation: Constellation, { programs }: Variant): string {
  return programs
    .flatMap(({ name }) => {
      const lines = constellation.logs(name).filter((line) => !line.includes('"level":"info"'))
      return lines.slice(-LOG_LINES_SHOWN).map((line) => `\n  ${name}: ${line}`)
    })
    .join('')
}
