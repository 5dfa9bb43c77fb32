import { cpuMsOf } from '../process-cpu.js'
import { Exposition } from './exposition.js'
import { type Buckets, bucketsBetween, bucketsOf, quantileMs } from './histogram.js'
import type { Target } from './target.js'

/** What one second was like, as the product's own metrics say. */
export interface Sample {
  /** Since the beginning of the run. */
  readonly second: number
  readonly perSecond: number
  /** From the last byte of a submission to its answer, at the gateway; null in a second without answers. */
  readonly p50Ms: number | null
  readonly p95Ms: number | null
  readonly p99Ms: number | null
  /** Answers a second. */
  readonly answers: Readonly<Record<string, number>>
  /** Cores in use, by process. */
  readonly cpu: Readonly<Record<string, number>>
  /** Resident, by process. */
  readonly memoryMiB: Readonly<Record<string, number>>
  readonly descriptors: Readonly<Record<string, number>>
  /** What waits: for places in batches, by operation, and submissions without a mark. */
  readonly queues: Readonly<Record<string, number>>
}

/** One reading of all metrics. */
export interface Reading {
  readonly atMs: number
  readonly metrics: ReadonlyMap<string, Exposition>
  /** All services tell of the same process: it counts once. */
  readonly isOneProcess: boolean
  /** CPU time so far of what makes the load; undefined where it does not run. */
  readonly generatorCpuMs: number | undefined
}

/** The generator's name among the processes. */
export const GENERATOR = 'generator'
const SAMPLE_EVERY_MS = 1_000
const SCRAPE_LIMIT_MS = 5_000
const MIB = 2 ** 20

/** Reads the metrics of each service; one that does not answer is left out. */
export async function read(
  { metricsUrls, isOneProcess }: Pick<Target, 'metricsUrls' | 'isOneProcess'>,
  generatorPid?: number,
): Promise<Reading> {
  const found = await Promise.all(
    [...metricsUrls].map(async ([name, url]) => {
      const text = await scrape(url)
      return text === undefined ? [] : [[name, Exposition.parse(text)] as const]
    }),
  )
  const generatorCpuMs = generatorPid === undefined ? undefined : cpuMsIfAlive(generatorPid)
  return { atMs: performance.now(), metrics: new Map(found.flat()), isOneProcess, generatorCpuMs }
}

function cpuMsIfAlive(pid: number): number | undefined {
  try {
    return cpuMsOf([pid])
  } catch {
    // It has ended, or this system has no /proc.
    return undefined
  }
}

async function scrape(url: string): Promise<string | undefined> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(SCRAPE_LIMIT_MS) })
    return answer.ok ? await answer.text() : undefined
  } catch {
    // Too busy, or not there: its curves have a gap.
    return undefined
  }
}

/** Reads once a second until it is stopped. */
export class Sampler {
  readonly samples: Sample[] = []
  /** Of what makes the load, from when it runs. */
  generatorPid: number | undefined
  readonly #target: Target
  readonly #onSample: (sample: Sample) => void
  readonly #done: Promise<void>
  #stopping = false
  #wake: () => void = () => undefined

  constructor(target: Target, first: Reading, onSample: (sample: Sample) => void) {
    this.#target = target
    this.#onSample = onSample
    this.#done = this.#run(first)
  }

  async stop(): Promise<void> {
    this.#stopping = true
    this.#wake()
    await this.#done
  }

  async #run(first: Reading): Promise<void> {
    let before = first
    while (!this.#stopping) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, SAMPLE_EVERY_MS)
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
      const after = await read(this.#target, this.generatorPid)
      const sample = sampleBetween(before, after, first.atMs)
      if (after.atMs - before.atMs < SAMPLE_EVERY_MS / 2) break
      this.samples.push(sample)
      this.#onSample(sample)
      before = after
    }
  }
}

export function sampleBetween(before: Reading, after: Reading, beganMs: number): Sample {
  const seconds = (after.atMs - before.atMs) / 1_000
  const now = after.metrics.get('gateway')
  const then = before.metrics.get('gateway')
  const answers = rates(
    now?.by('flk_submissions_total', 'code'),
    then?.by('flk_submissions_total', 'code'),
    seconds,
  )
  const buckets = durations(then, now)
  const quantile = (share: number): number | null => quantileMs(buckets, share) ?? null
  return {
    second: (after.atMs - beganMs) / 1_000,
    perSecond: Object.values(answers).reduce((sum, rate) => sum + rate, 0),
    ...{ p50Ms: quantile(0.5), p95Ms: quantile(0.95), p99Ms: quantile(0.99) },
    answers,
    cpu: cpuBetween(before, after, seconds),
    memoryMiB: gauges(after, 'process_resident_memory_bytes', MIB),
    descriptors: gauges(after, 'process_open_fds', 1),
    queues: {
      ...Object.fromEntries(now?.by('rpc_client_queue_items', 'rpc_method') ?? []),
      ...waitingIn(after),
    },
  }
}

function durations(then: Exposition | undefined, now: Exposition | undefined): Buckets {
  const name = 'flk_submission_duration_seconds_bucket'
  const of = (exposition: Exposition | undefined): Buckets =>
    bucketsOf(exposition?.by(name, 'le') ?? new Map())
  return bucketsBetween(of(then), of(now))
}

function cpuBetween(before: Reading, after: Reading, seconds: number): Record<string, number> {
  const name = 'process_cpu_seconds_total'
  const product = processesOf(after).flatMap(([process, now]) => {
    const then = new Map(processesOf(before)).get(process)
    return then ? [[process, (now.sum(name) - then.sum(name)) / seconds] as const] : []
  })
  const [then, now] = [before.generatorCpuMs, after.generatorCpuMs]
  // One that has taken another's place begins at 0.
  if (then === undefined || now === undefined || now < then) return Object.fromEntries(product)
  return { ...Object.fromEntries(product), [GENERATOR]: (now - then) / 1_000 / seconds }
}

function gauges(reading: Reading, name: string, unit: number): Record<string, number> {
  return Object.fromEntries(processesOf(reading).map(([process, now]) => [process, now.sum(name) / unit]))
}

/** Each process by its name, with metrics that tell of it. */
function processesOf({ metrics, isOneProcess }: Reading): readonly (readonly [string, Exposition])[] {
  const all = [...metrics]
  return isOneProcess ? all.slice(0, 1).map(([, found]) => ['one process', found] as const) : all
}

function waitingIn(reading: Reading): Record<string, number> {
  const log = reading.metrics.get('wal')
  return log ? { 'submissions without a mark': log.sum('wal_pending_records') } : {}
}

function rates(
  now: ReadonlyMap<string, number> | undefined,
  then: ReadonlyMap<string, number> | undefined,
  seconds: number,
): Record<string, number> {
  return Object.fromEntries(
    [...(now ?? [])]
      .map(([key, value]) => [key, (value - (then?.get(key) ?? 0)) / seconds] as const)
      .filter(([, rate]) => rate > 0),
  )
}
