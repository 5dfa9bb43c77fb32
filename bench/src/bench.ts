import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { isBusy, isInMemory, type Machine, recordMaker, submitRequest, thisMachine } from '@fractal-lba/load'
import { ConstellationError, watchForEnd } from '@fractal-lba/local'
import { hmacKey } from '@fractal-lba/pcs'
import { benchBatches } from './batches/batch-bench.js'
import { renderBatches } from './batches/batch-report.js'
import {
  BENCH_HELP,
  readBenchOptions,
  UnusableOptions,
  type VariantName,
  type VariantOptions,
} from './bench-options.js'
import { type Comparison, compare } from './compare/compare.js'
import { renderComparison } from './compare/comparison-report.js'
import { benchLog } from './log/log-bench.js'
import { Profiling } from './profiling.js'
import { type BenchReport, figuresOf, ratiosOf, renderReport, type VariantFigures } from './report.js'
import { type Bench, BenchFailure, type Durations, type Measurement, measure } from './round.js'
import { benchMemoryIds, renderMemoryIds } from './stores/memory-ids.js'
import {
  compactingVariant,
  productVariant,
  storeVariant,
  unflushedVariant,
  type Variant,
} from './variants.js'
import { benchVerifier } from './verifier/verifier-bench.js'
import { renderVerifier } from './verifier/verifier-report.js'

/** What `npm run bench` brings along. */
export interface BenchContext {
  readonly args: readonly string[]
  /** The root of the checkout. */
  readonly root: string
  /** Who started this process, noted when it began. */
  readonly parentPid: number
  readonly out: (text: string) => void
  readonly err: (text: string) => void
}

/** More than any variant has been seen to take on two cores; a run that uses all of them up ends early. */
const REQUESTS_PER_SECOND_MAX = 16_000
const SEED = 20_260_101

/** `npm run bench`. @returns the exit code: 0 with figures, 1 without, 130 when it was ended. */
export async function runBench({ args, root, parentPid, out, err }: BenchContext): Promise<number> {
  const say = (line: string): void => err(`${line}\n`)
  const ended = new AbortController()
  const stopWatching = watchForEnd({
    parentPid,
    onEnd: ({ why, again }) => {
      say(`\n${why}: stopping`)
      ended.abort()
      // Nothing outlives this process: the others end when their channel to it closes.
      if (again) process.exit(130)
    },
  })
  try {
    const options = readBenchOptions(args)
    if (!options) {
      out(BENCH_HELP)
      return 0
    }
    const dataDir = options.kind === 'memory' ? undefined : options.dataDir
    const place = await placeOf(dataDir ?? join(root, 'data'), say)
    const setup = { root, ...place, signal: ended.signal, say }
    if (options.kind === 'verifier') {
      const { windows, windowMs } = options
      const figures = await benchVerifier({ windows, windowMs, signal: ended.signal })
      const { machine } = place
      out(options.json ? jsonOf({ machine, ...figures }) : renderVerifier(machine, figures))
    } else if (options.kind === 'memory') {
      const figures = await benchMemoryIds(options.ids, ended.signal)
      const { machine } = place
      out(options.json ? jsonOf({ machine, ...figures }) : renderMemoryIds(machine, figures))
    } else if (options.kind === 'batches') {
      const report = await benchBatches(options, setup)
      out(options.json ? jsonOf(report) : renderBatches(report))
    } else if (options.kind === 'variants') {
      const report = await bench(options, setup)
      out(options.json ? jsonOf(report) : renderReport(report))
    } else {
      const reports = await compare(options, setup)
      out(
        options.json
          ? jsonOf(reports.length === 1 ? (reports[0] ?? reports) : reports)
          : reports.map(renderComparison).join('\n'),
      )
    }
    return 0
  } catch (error) {
    if (ended.signal.aborted) return 130
    const isSentence =
      error instanceof BenchFailure || error instanceof UnusableOptions || error instanceof ConstellationError
    if (!isSentence) throw error
    say(`the bench failed: ${error.message}`)
    return 1
  } finally {
    stopWatching()
  }
}

function jsonOf(report: object): string {
  return `${JSON.stringify(report, undefined, 2)}\n`
}

/** Where the logs are written, and on what machine; says what makes figures worthless. */
async function placeOf(
  dataDir: string,
  say: (line: string) => void,
): Promise<{ readonly dataDir: string; readonly machine: Machine }> {
  await mkdir(dataDir, { recursive: true })
  const machine = thisMachine(dataDir)
  if (isBusy(machine))
    say(`the machine is not idle (load ${machine.loadBefore.toFixed(1)}): figures will be too low`)
  if (isInMemory(machine))
    say(`${dataDir} is in memory: flushes cost nothing there; choose a disk with --data-dir`)
  return { dataDir, machine }
}

async function bench(
  options: VariantOptions,
  { root, dataDir, machine, signal, say }: Comparison,
): Promise<BenchReport> {
  const { seconds, warmupSeconds, loneSeconds, connections, rounds } = options
  const count = (seconds + warmupSeconds + loneSeconds) * REQUESTS_PER_SECOND_MAX
  say(`signing ${count} records`)
  const secret = randomBytes(24).toString('base64')
  const requests = await makeRequests(count, secret, signal)
  const setup: Bench = { root, dataDir, hmacKey: secret, requests, connections, signal }

  const contenders = options.variants.map((name) => variantOf(name, root))
  const measurements = await inTurns(contenders, setup, options, say)
  const variants: VariantFigures[] = contenders.map(({ name }) =>
    figuresOf(name, measurements.get(name) ?? []),
  )
  const recordBytes = Math.round(bodyBytesOf(requests))
  return {
    machine,
    conditions: { connections, rounds, seconds, warmupSeconds, recordBytes },
    variants,
    ratios: ratiosOf(variants),
    log: options.log ? await benchLog({ root, dataDir, appenders: connections, signal, say }) : undefined,
  }
}

function variantOf(name: VariantName, root: string): Variant {
  if (name === 'product') return productVariant(root)
  if (name === 'no-flush') return unflushedVariant(root)
  if (name === 'compacting') return compactingVariant(root)
  return storeVariant(root, name)
}

/** A B C A B C …, so that whatever else the machine does meets all of them. */
async function inTurns(
  contenders: readonly Variant[],
  setup: Bench,
  { rounds, seconds, warmupSeconds, loneSeconds, profile }: VariantOptions,
  say: (line: string) => void,
): Promise<Map<VariantName, Measurement[]>> {
  const durations: Durations = {
    warmupMs: warmupSeconds * 1000,
    measuredMs: seconds * 1000,
    loneMs: loneSeconds * 1000,
  }
  const profiles = profile ? await mkdtemp(join(tmpdir(), 'fractal-lba-profiles-')) : undefined
  const measurements = new Map<VariantName, Measurement[]>()
  for (let round = 1; round <= rounds; round += 1) {
    for (const variant of contenders) {
      const { name, programs } = variant
      const profiling = profiles === undefined ? undefined : new Profiling(profiles, `${name}-${round}`)
      const measurement = await measure(setup, variant, durations, profiling)
      const { load } = measurement
      say(`round ${round}, ${name}: ${((1000 * load.answers) / load.elapsedMs).toFixed(0)}/s`)
      if (load.elapsedMs < durations.measuredMs * 0.95)
        say(`  all requests were sent after ${load.elapsedMs.toFixed(0)} ms`)
      if (profiling) say(await profiling.summary(programs.map((program) => program.name)))
      measurements.set(name, [...(measurements.get(name) ?? []), measurement])
    }
  }
  return measurements
}

async function makeRequests(count: number, secret: string, signal: AbortSignal): Promise<Buffer[]> {
  const next = recordMaker({ seed: SEED, key: hmacKey(secret) })
  const requests: Buffer[] = []
  while (requests.length < count) {
    requests.push(submitRequest(next().body))
    // Ctrl-C is heard meanwhile.
    if (requests.length % 1_000 === 0) await turn(undefined, { signal })
  }
  return requests
}

function bodyBytesOf(requests: readonly Buffer[]): number {
  const sample = requests.slice(0, 1_000)
  const bytes = sample.reduce((sum, request) => sum + request.length - request.indexOf('\r\n\r\n') - 4, 0)
  return bytes / Math.max(1, sample.length)
}
