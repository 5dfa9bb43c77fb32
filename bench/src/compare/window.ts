import { cpus } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { cpuMsOf, Latencies, LoadClient, OpenLoop, stolenMs } from '@fractal-lba/load'
import { BenchFailure, demandGoodAnswers } from '../round.js'
import type { RunningBuild } from './running-build.js'

export const loadNames = ['crowd', 'lone', 'steady'] as const
export type LoadName = (typeof loadNames)[number]

/** What one build did in one window. */
export interface Window {
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Of all processes of the build. */
  readonly cpuUsPerRecord: number
  readonly generatorCpuUsPerRecord: number
  /** Of the time of all cores, what the host gave to others: 0 to 1. */
  readonly stolenShare: number
}

/** Under load before it is measured: connections, caches and clock rates are then this build's. */
const LEAD_IN_MS = 250
/** The load outlasts its measurement, also when a timer is late. */
const TAIL_MS = 100
const REQUESTS_PER_SECOND_MAX = 16_000
const LONE_PER_SECOND_MAX = 4_000
const US_PER_MS = 1000

export interface WindowOptions {
  readonly load: LoadName
  readonly windowMs: number
  /** Of the load `steady`. */
  readonly perSecond: number
}

/** Puts one build under load and measures it in the middle of it. @throws BenchFailure when an answer is no outcome. */
export async function measureWindow(build: RunningBuild, options: WindowOptions): Promise<Window> {
  const { load, windowMs } = options
  const durationMs = LEAD_IN_MS + windowMs + TAIL_MS
  const rateMax = { crowd: REQUESTS_PER_SECOND_MAX, lone: LONE_PER_SECOND_MAX, steady: options.perSecond }
  build.stock(Math.ceil((durationMs * rateMax[load]) / 1000) + 1)
  const latencies = new Latencies()
  // New for each window: a server closes connections that were idle for long.
  const client = await openClient(build, options)
  try {
    const running = client.run({ next: build.next, durationMs, latencies, perSecond: options.perSecond })
    // A run that fails early is heard of at the end; until then it is not unhandled.
    running.catch(() => {})
    await sleep(LEAD_IN_MS)
    const before = readCounters(build, latencies)
    await sleep(windowMs)
    const after = readCounters(build, latencies)
    demandGoodAnswers(await running)
    return windowBetween(before, after, latencies, cpus().length)
  } catch (error) {
    throw error instanceof BenchFailure ? new BenchFailure(`${build.name}, ${load}: ${error.message}`) : error
  } finally {
    client.close()
  }
}

export interface Counters {
  readonly monotonicMs: number
  readonly answers: number
  readonly cpuMs: number
  readonly generatorCpuMs: number
  readonly stolenMs: number
}

export function windowBetween(before: Counters, after: Counters, all: Latencies, cores: number): Window {
  const answers = after.answers - before.answers
  if (answers === 0) throw new BenchFailure('not one answer in a window')
  const elapsedMs = after.monotonicMs - before.monotonicMs
  const [p50Ms = Number.NaN, p99Ms = Number.NaN] = all
    .slice(before.answers, after.answers)
    .quantilesMs([0.5, 0.99])
  return {
    perSecond: (1000 * answers) / elapsedMs,
    p50Ms,
    p99Ms,
    cpuUsPerRecord: (US_PER_MS * (after.cpuMs - before.cpuMs)) / answers,
    generatorCpuUsPerRecord: (US_PER_MS * (after.generatorCpuMs - before.generatorCpuMs)) / answers,
    stolenShare: (after.stolenMs - before.stolenMs) / (elapsedMs * cores),
  }
}

function openClient({ target }: RunningBuild, { load }: WindowOptions): Promise<LoadClient | OpenLoop> {
  if (load === 'steady') return OpenLoop.open(target)
  return LoadClient.open(load === 'lone' ? { ...target, connections: 1 } : target)
}

function readCounters({ pids }: RunningBuild, latencies: Latencies): Counters {
  const { user, system } = process.cpuUsage()
  return {
    monotonicMs: performance.now(),
    answers: latencies.count,
    cpuMs: cpuMsOf(pids),
    generatorCpuMs: (user + system) / US_PER_MS,
    stolenMs: stolenMs(),
  }
}
