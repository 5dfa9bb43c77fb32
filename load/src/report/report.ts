import type { Machine } from '../machine.js'
import type { AccountLine } from '../run/account.js'
import type { Gate, Latency, Part, SeenSecond } from '../run/generated.js'
import type { RunName } from '../run/options.js'
import { GENERATOR, type Sample } from '../run/sampler.js'

/** All that is known of one run: what load/report/PROFILE.json has. */
export interface RunReport {
  readonly run: RunName
  /** The profile as it is meant, in its whole length and with all its users. */
  readonly isWhole: boolean
  readonly seconds: number | undefined
  readonly scale: number
  /** The product was started as one process. */
  readonly oneProcess: boolean
  /** Wall clock, ISO 8601. */
  readonly startedAt: string
  /** Of the checkout; with "+" where something was not committed. */
  readonly commit: string
  readonly machine: Machine
  readonly tool: string
  /** What was loaded: "started here" or its URL. */
  readonly target: string
  readonly elapsedMs: number
  readonly submissions: number
  readonly latency: Latency
  readonly shares: Readonly<Record<string, number>>
  readonly answers: Readonly<Record<string, number>>
  readonly kinds: Readonly<Record<string, number>>
  readonly gates: readonly Gate[]
  readonly account: readonly AccountLine[]
  readonly parts: readonly Part[]
  /** As the generator saw them. */
  readonly seen: readonly SeenSecond[]
  /** As the product's metrics say. */
  readonly samples: readonly Sample[]
  readonly processes: readonly ProcessFigures[]
}

/** What one process took over the run. */
export interface ProcessFigures {
  readonly name: string
  readonly cpuUsPerSubmission: number
  readonly coresMean: number
  readonly memoryMiBMax: number
  readonly descriptorsMax: number
  /** The memory of the last quarter over that of the second one: 1 does not grow. Undefined for less than a minute. */
  readonly memoryGrowth: number | undefined
}

const GROWTH_SECONDS_MIN = 60

export function processFigures(samples: readonly Sample[], submissions: number): readonly ProcessFigures[] {
  const names = [...new Set(samples.flatMap(({ cpu }) => Object.keys(cpu)))]
  return names.map((name) => {
    const cores = samples.flatMap(({ cpu }) => cpu[name] ?? [])
    const memory = samples.flatMap(({ memoryMiB }) => memoryMiB[name] ?? [])
    const cpuSeconds = samples.reduce((sum, { cpu, second }, index) => {
      const before = samples[index - 1]?.second ?? 0
      return sum + (cpu[name] ?? 0) * (second - before)
    }, 0)
    return {
      name,
      cpuUsPerSubmission: (1e6 * cpuSeconds) / Math.max(1, submissions),
      coresMean: mean(cores) ?? 0,
      memoryMiBMax: Math.max(0, ...memory),
      descriptorsMax: Math.max(0, ...samples.flatMap(({ descriptors }) => descriptors[name] ?? [])),
      memoryGrowth: growthOf(memory),
    }
  })
}

/** The first quarter is left out: caches fill, compilers settle. */
function growthOf(values: readonly number[]): number | undefined {
  if (values.length < GROWTH_SECONDS_MIN) return undefined
  const quarter = Math.floor(values.length / 4)
  const second = mean(values.slice(quarter, 2 * quarter))
  const last = mean(values.slice(-quarter))
  return second && last ? last / second : undefined
}

function mean(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length
}

/** Whether everything that must hold did. */
export function isSound({ gates, account }: Pick<RunReport, 'gates' | 'account'>): boolean {
  return gates.every(({ holds }) => holds) && account.every(({ agrees }) => agrees)
}

export function perSecondOf({
  submissions,
  elapsedMs,
}: Pick<RunReport, 'submissions' | 'elapsedMs'>): number {
  return (1_000 * submissions) / elapsedMs
}

/** CPU of a submission in µs, without the generator's. */
export function cpuOfProduct({ processes }: Pick<RunReport, 'processes'>): number {
  return processes
    .filter(({ name }) => name !== GENERATOR)
    .reduce((sum, { cpuUsPerSubmission }) => sum + cpuUsPerSubmission, 0)
}
