import { Latencies, type Machine, machineLine } from '@fractal-lba/load'
import type { VariantName } from './bench-options.js'
import type { LogFigures } from './log/log-bench.js'
import { renderLogFigures } from './log/log-report.js'
import type { Measurement } from './round.js'

/** The figures of one variant over all rounds. */
export interface VariantFigures {
  readonly variant: VariantName
  readonly requestsPerSecond: number
  readonly requestsPerSecondOfRounds: readonly number[]
  readonly p50Ms: number
  readonly p95Ms: number
  readonly p99Ms: number
  /** Over all processes of the product. */
  readonly cpuUsPerRecord: number
  readonly clientCpuUsPerRecord: number
  readonly answersByStatus: Readonly<Record<string, number>>
  /** Requests over a single connection: nothing else is under way. */
  readonly lone: LoneFigures | undefined
  /** By how much its store has grown, for each id that it remembers since. */
  readonly idBytes: number | undefined
}

interface LoneFigures {
  readonly requests: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** What the machine below took of the cores' time meanwhile, 0 to 1: a lone request waits for each such moment. */
  readonly stolenShare: number
}

export interface BenchReport {
  readonly machine: Machine
  readonly conditions: {
    readonly connections: number
    readonly rounds: number
    readonly seconds: number
    readonly warmupSeconds: number
    readonly recordBytes: number
  }
  readonly variants: readonly VariantFigures[]
  readonly ratios: readonly Ratio[]
  readonly log: LogFigures | undefined
}

interface Ratio {
  readonly of: VariantName
  readonly to: VariantName
  readonly ratio: number
  /** The smallest that the product promises. */
  readonly goal: number
}

const RATIO_GOALS = [
  { of: 'product', to: 'no-flush', goal: 0.8 },
  { of: 'compacting', to: 'product', goal: 0.8 },
] as const
const LONE_GOAL_MS = 5
const MS_PER_S = 1000
const US_PER_MS = 1000

export function figuresOf(variant: VariantName, rounds: readonly Measurement[]): VariantFigures {
  const latencies = pooled(rounds.map(({ load }) => load.latencies))
  const answers = latencies.count
  const sum = (figure: (round: Measurement) => number): number =>
    rounds.reduce((total, round) => total + figure(round), 0)
  const [p50Ms = Number.NaN, p95Ms = Number.NaN, p99Ms = Number.NaN] = latencies.quantilesMs([
    0.5, 0.95, 0.99,
  ])
  return {
    variant,
    requestsPerSecond: (MS_PER_S * answers) / sum(({ load }) => load.elapsedMs),
    requestsPerSecondOfRounds: rounds.map(({ load }) => (MS_PER_S * load.answers) / load.elapsedMs),
    p50Ms,
    p95Ms,
    p99Ms,
    cpuUsPerRecord: (US_PER_MS * sum(({ productCpuMs }) => productCpuMs)) / answers,
    clientCpuUsPerRecord: (US_PER_MS * sum(({ clientCpuMs }) => clientCpuMs)) / answers,
    answersByStatus: statusesOf(rounds),
    lone: loneOf(rounds),
    idBytes: meanOf(rounds.flatMap(({ idBytes }) => (idBytes === undefined ? [] : [idBytes]))),
  }
}

export function ratiosOf(variants: readonly VariantFigures[]): Ratio[] {
  const rateOf = (name: VariantName): number | undefined =>
    variants.find(({ variant }) => variant === name)?.requestsPerSecond
  return RATIO_GOALS.flatMap(({ of, to, goal }) => {
    const [mine, other] = [rateOf(of), rateOf(to)]
    return mine === undefined || other === undefined ? [] : [{ of, to, goal, ratio: mine / other }]
  })
}

/** The report for a person. */
export function renderReport({ machine, conditions, variants, ratios, log }: BenchReport): string {
  const { connections, rounds, seconds, warmupSeconds, recordBytes } = conditions
  const lines = [
    machineLine(machine),
    `${connections} connections, ${rounds} x ${seconds} s after ${warmupSeconds} s of warm-up, fresh processes and data each time;`,
    `records of about ${recordBytes} bytes, HMAC, both flushes, validation, metrics on`,
    '',
    ...table(variants),
    '',
    ...ratios.map(
      ({ of, to, ratio, goal }) =>
        `${of} / ${to}: ${ratio.toFixed(2)} ${verdict(ratio >= goal, `at least ${goal}`)}`,
    ),
    ...variants.flatMap(({ variant, lone }) => {
      if (!lone) return []
      const goal =
        variant === 'product' ? ` ${verdict(lone.p50Ms < LONE_GOAL_MS, `p50 below ${LONE_GOAL_MS} ms`)}` : ''
      const figures = `p50 ${lone.p50Ms.toFixed(2)} ms, p99 ${lone.p99Ms.toFixed(2)} ms`
      const stolen = `${(100 * lone.stolenShare).toFixed(0)} % of the cores' time stolen by the host`
      return [`a lone request, ${variant}: ${figures} (${lone.requests} of them; ${stolen})${goal}`]
    }),
    ...storeLines(variants),
    ...(log === undefined ? [] : ['', ...renderLogFigures(log, verdict)]),
  ]
  return `${lines.join('\n')}\n`
}

/** Only where stores are compared: what the memory index takes is seen beside others alone. */
function storeLines(variants: readonly VariantFigures[]): string[] {
  const stores = variants.filter(({ variant }) => ['product', 'redis', 'postgres'].includes(variant))
  const [memory] = stores.filter(({ variant }) => variant === 'product')
  if (stores.length < 2) return []
  return stores.map(({ variant, idBytes, requestsPerSecond }) => {
    const name =
      variant === 'product' ? 'product (memory index, by the growth of the whole process)' : variant
    const share =
      memory === undefined || memory.variant === variant
        ? ''
        : `; ${(requestsPerSecond / memory.requestsPerSecond).toFixed(2)} of the memory index's req/s`
    return `${name}: ${idBytes?.toFixed(0) ?? '?'} bytes for each id remembered${share}`
  })
}

function meanOf(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length
}

function verdict(reached: boolean, goal: string): string {
  return `(goal: ${goal}; ${reached ? 'reached' : 'NOT REACHED'})`
}

const HEADINGS = [
  '',
  'req/s',
  'in rounds',
  'p50 ms',
  'p95 ms',
  'p99 ms',
  'CPU us/record',
  'client us',
  'answers',
]

function table(variants: readonly VariantFigures[]): string[] {
  const rows = [HEADINGS, ...variants.map(cellsOf)]
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  '),
  )
}

function cellsOf(figures: VariantFigures): string[] {
  const rates = figures.requestsPerSecondOfRounds
  return [
    figures.variant,
    figures.requestsPerSecond.toFixed(0),
    `${Math.min(...rates).toFixed(0)}-${Math.max(...rates).toFixed(0)}`,
    figures.p50Ms.toFixed(1),
    figures.p95Ms.toFixed(1),
    figures.p99Ms.toFixed(1),
    figures.cpuUsPerRecord.toFixed(0),
    figures.clientCpuUsPerRecord.toFixed(0),
    Object.entries(figures.answersByStatus)
      .map(([status, count]) => `${status}: ${count}`)
      .join(', '),
  ]
}

function pooled(all: readonly Latencies[]): Latencies {
  const pool = new Latencies()
  for (const latencies of all) pool.addAll(latencies)
  return pool
}

function statusesOf(rounds: readonly Measurement[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { load } of rounds) {
    for (const [status, count] of load.answersByStatus) counts[status] = (counts[status] ?? 0) + count
  }
  return counts
}

function loneOf(rounds: readonly Measurement[]): VariantFigures['lone'] {
  const all = rounds.flatMap(({ lone }) => (lone ? [lone] : []))
  const latencies = pooled(all.map((lone) => lone.latencies))
  if (latencies.count === 0) return undefined
  const [p50Ms = Number.NaN, p99Ms = Number.NaN] = latencies.quantilesMs([0.5, 0.99])
  const stolenShare = all.reduce((sum, lone) => sum + lone.stolenShare, 0) / all.length
  return { requests: latencies.count, p50Ms, p99Ms, stolenShare }
}
