import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Machine } from '@fractal-lba/load'
import { builtPrograms } from '@fractal-lba/local'
import type { CompareOptions } from '../bench-options.js'
import { BenchFailure } from '../round.js'
import { compareLoad, type LoadComparison } from './comparison.js'
import type { ComparisonReport, FloorComparison, SignatureComparison } from './comparison-report.js'
import { startEmptyProcess } from './empty-process.js'
import { type Endpoint, readEndpoint, startEndpoint } from './endpoint.js'
import { type Floor, openFloor } from './floor.js'
import { type Build, type RunningBuild, startBuild } from './running-build.js'
import { turnsOf } from './schedule.js'
import { quartilesOf } from './statistics.js'
import { verifyCpuUs } from './verify-cpu.js'
import { type LoadName, measureWindow, type Window } from './window.js'

export interface Comparison {
  readonly root: string
  readonly dataDir: string
  readonly machine: Machine
  readonly signal: AbortSignal
  readonly say: (line: string) => void
}

const SEED = 20_260_101
const FLOOR_WINDOW_MS = 500
const VERIFY_WINDOW_MS = 300
/** Of requests of the crowd: TLS on every hop costs a tenth at most. */
const TLS_RATE_GOAL = 0.9
/** Two constellations share a disk here: a flush that waits for another's is no failure of either. */
const PATIENT = { HOP_TIMEOUT: '5s', SUBMIT_TIMEOUT: '8s' }
/** Before a load is measured: pairs that nobody counts, because the load before was another one. */
const SETTLING_ROUNDS = 1

/**
 * Runs the builds of each pair side by side and loads them by turns; one pair after the other, so that nothing but the
 * two is on the machine: what a build sends to a collector after its window falls into the next one.
 * @returns the first of each pair beside the second
 * @throws BenchFailure, ConstellationError
 */
export async function compare(
  options: CompareOptions,
  comparison: Comparison,
): Promise<readonly ComparisonReport[]> {
  const collector = options.kind === 'traced' ? await startEmptyProcess() : undefined
  try {
    const reports: ComparisonReport[] = []
    const pairs: readonly Pair[] =
      options.kind === 'beside'
        ? [[await readEndpoint(options.beside), five('product', comparison.root)]]
        : pairsOf(options, comparison.root, collector?.port)
    for (const pair of pairs) reports.push(await comparePair(pair, options, comparison))
    return reports
  } finally {
    collector?.stop()
  }
}

async function comparePair(
  builds: Pair,
  options: CompareOptions,
  { dataDir, machine, signal, say }: Comparison,
): Promise<ComparisonReport> {
  const directory = await mkdtemp(join(dataDir, 'bench-compare-'))
  const running: RunningBuild[] = []
  let floor: Floor | undefined
  try {
    const place = {
      dataDir: directory,
      seed: SEED,
      connections: options.connections,
      signal,
    }
    for (const build of builds)
      running.push(await ('command' in build ? startEndpoint(build, place) : startBuild(build, place)))
    const [reference, other] = running
    if (!reference || !other) throw new BenchFailure('a build is missing')
    if (options.kind === 'one-process') floor = await openFloor(directory)
    const run = new Turns(running, floor, options, signal)
    say(`${other.name} beside ${reference.name}: warming up, ${options.warmupSeconds} s each`)
    await run.rounds('crowd', Math.ceil((options.warmupSeconds * 1000) / options.windowMs))
    const measured = new Map<LoadName, readonly Round[]>()
    for (const load of options.loads) {
      say(`${load}: ${options.windows} windows of each`)
      await run.rounds(load, SETTLING_ROUNDS)
      measured.set(load, await run.rounds(load, options.windows))
    }
    const { connections, perSecond, windows, windowMs, warmupSeconds } = options
    const conditions = { connections, perSecond, windows, windowMs, warmupSeconds }
    return {
      ...{ machine, conditions, reference: reference.name, measured: other.name },
      loads: [...measured].map(([load, rounds]) => compareRounds(load, rounds, reference, other)),
      floor: compareFloor(measured.get('lone') ?? [], other),
      signature: compareSignature(measured, reference, other),
      rateGoal: options.kind === 'tls' ? TLS_RATE_GOAL : undefined,
    }
  } finally {
    await Promise.all(running.map((build) => build.stop()))
    await floor?.close()
    await rm(directory, { recursive: true, force: true })
  }
}

interface Round {
  readonly windows: ReadonlyMap<RunningBuild, Window>
  /** CPU of one crypto.verify. */
  readonly verifyUs: number | undefined
  readonly floor: { readonly emptyRequestMs: number; readonly flushMs: number } | undefined
}

class Turns {
  readonly #builds: readonly RunningBuild[]
  readonly #floor: Floor | undefined
  readonly #options: CompareOptions
  readonly #signal: AbortSignal

  constructor(
    builds: readonly RunningBuild[],
    floor: Floor | undefined,
    options: CompareOptions,
    signal: AbortSignal,
  ) {
    this.#builds = builds
    this.#floor = floor
    this.#options = options
    this.#signal = signal
  }

  async rounds(load: LoadName, count: number): Promise<Round[]> {
    const rounds: Round[] = []
    for (let round = 0; round < count; round += 1) {
      const windows = new Map<RunningBuild, Window>()
      for (const build of turnsOf(this.#builds, round)) {
        this.#signal.throwIfAborted()
        windows.set(build, await measureWindow(build, { ...this.#options, load }))
      }
      const verifyUs = this.#options.kind === 'ed25519' ? verifyCpuUs(VERIFY_WINDOW_MS) : undefined
      rounds.push({ windows, verifyUs, floor: load === 'lone' ? await this.#floorNow() : undefined })
    }
    return rounds
  }

  async #floorNow(): Promise<Round['floor']> {
    if (!this.#floor) return undefined
    const emptyRequestMs = await this.#floor.emptyRequestMs(FLOOR_WINDOW_MS)
    return { emptyRequestMs, flushMs: await this.#floor.flushMs(FLOOR_WINDOW_MS) }
  }
}

function compareRounds(
  load: LoadName,
  rounds: readonly Round[],
  reference: RunningBuild,
  other: RunningBuild,
): LoadComparison {
  const windowsOf = (build: RunningBuild): Window[] =>
    rounds.flatMap(({ windows }) => windows.get(build) ?? [])
  return compareLoad(load, windowsOf(reference), windowsOf(other))
}

function compareFloor(rounds: readonly Round[], build: RunningBuild): FloorComparison | undefined {
  const floors = rounds.flatMap(({ floor, windows }) => {
    const window = windows.get(build)
    return floor && window ? [{ ...floor, p50Ms: window.p50Ms }] : []
  })
  if (floors.length === 0) return undefined
  return {
    emptyRequestMs: quartilesOf(floors.map(({ emptyRequestMs }) => emptyRequestMs)).median,
    flushMs: quartilesOf(floors.map(({ flushMs }) => flushMs)).median,
    ratio: quartilesOf(
      floors.map(({ emptyRequestMs, flushMs, p50Ms }) => p50Ms / (emptyRequestMs + 2 * flushMs)),
    ),
  }
}

/** What a signature costs end to end: for each load, where one crypto.verify was measured beside it. */
function compareSignature(
  measured: ReadonlyMap<LoadName, readonly Round[]>,
  reference: RunningBuild,
  other: RunningBuild,
): readonly SignatureComparison[] {
  return [...measured].flatMap(([load, rounds]) => {
    const costs = rounds.flatMap(({ windows, verifyUs }) => {
      const [theirs, ours] = [windows.get(reference), windows.get(other)]
      if (!theirs || !ours || verifyUs === undefined) return []
      return [{ verifyUs, ratio: (ours.cpuUsPerRecord - theirs.cpuUsPerRecord) / verifyUs }]
    })
    if (costs.length === 0) return []
    const verifyUs = quartilesOf(costs.map((cost) => cost.verifyUs)).median
    return [{ load, verifyUs, ratio: quartilesOf(costs.map(({ ratio }) => ratio)) }]
  })
}

/** The one that ratios divide by, then the one that is measured. */
type Pair = readonly [Build | Endpoint, Build]

/** Of this product alone. */
type BuildPairOptions = Exclude<CompareOptions, { readonly kind: 'beside' }>

function pairsOf(
  options: BuildPairOptions,
  root: string,
  collectorPort?: number,
): readonly (readonly [Build, Build])[] {
  const pairs = pairsUnchecked(options, root, collectorPort)
  for (const build of pairs.flat()) {
    const missing = build.programs.find(({ main }) => !existsSync(main))
    if (missing) throw new BenchFailure(`${missing.main} is not there: build that checkout first`)
  }
  return pairs
}

function five(name: string, root: string): Build {
  return { name, root, programs: builtPrograms(root) }
}

function pairsUnchecked(
  options: BuildPairOptions,
  root: string,
  collectorPort?: number,
): readonly (readonly [Build, Build])[] {
  const patient = (name: string): Build => ({ ...five(name, root), env: PATIENT })
  switch (options.kind) {
    case 'against':
      return [[five('old', resolve(root, options.against)), five('new', root)]]
    case 'one-process':
      return [[five('five-processes', root), oneProcess(root)]]
    case 'tls':
      return [[patient('plain'), { ...patient('tls'), isSecure: true }]]
    case 'ed25519':
      return [[patient('hmac'), { ...patient('ed25519'), algorithm: 'ed25519' }]]
    case 'traced': {
      const traced = (name: string, ratio: string): Build => {
        const endpoint = `http://127.0.0.1:${collectorPort}`
        const sampler = { OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: ratio }
        return {
          ...five(name, root),
          env: { ...PATIENT, OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, ...sampler },
        }
      }
      const untraced = patient('untraced')
      return [
        [untraced, traced('1-percent', '0.01')],
        [untraced, traced('100-percent', '1')],
      ]
    }
  }
}

function oneProcess(root: string): Build {
  const main = join(root, 'constellation/dist/main.js')
  return { name: 'one-process', root, programs: [{ name: 'gateway', main }] }
}
