import { type Machine, machineLine } from '@fractal-lba/load'
import type { LoadComparison } from './comparison.js'
import type { Quartiles } from './statistics.js'
import type { LoadName } from './window.js'

export interface ComparisonReport {
  readonly machine: Machine
  readonly conditions: {
    readonly connections: number
    /** Arrivals of the load `steady`. */
    readonly perSecond: number
    readonly windows: number
    readonly windowMs: number
    readonly warmupSeconds: number
  }
  /** Name of the build that ratios divide by. */
  readonly reference: string
  readonly measured: string
  readonly loads: readonly LoadComparison[]
  readonly floor: FloorComparison | undefined
  /** Of each load for which it was measured. */
  readonly signature: readonly SignatureComparison[]
  /** The least that is promised of measured / reference in requests of the crowd. */
  readonly rateGoal: number | undefined
}

/** What a record's signature costs end to end, against one crypto.verify by itself. */
export interface SignatureComparison {
  readonly load: LoadName
  /** CPU of one crypto.verify. */
  readonly verifyUs: number
  /** Of the CPU for a record: (measured - reference) / one crypto.verify. */
  readonly ratio: Quartiles
}

/** A lone request of the measured build against the least that it can take. */
export interface FloorComparison {
  readonly emptyRequestMs: number
  readonly flushMs: number
  /** p50 of a lone request / (an empty request + two flushes). */
  readonly ratio: Quartiles
}

const FLOOR_GOAL = 2
const SIGNATURE_GOAL = 1.2

/** The report for a person. */
export function renderComparison(report: ComparisonReport): string {
  const { machine, conditions, reference, measured, loads, floor } = report
  const { connections, perSecond, windows, windowMs, warmupSeconds } = conditions
  const lines = [
    machineLine(machine),
    `the builds run side by side, ${warmupSeconds} s of warm-up each, then ${windows} pairs of windows of ${windowMs} ms, by turns;`,
    `medians over the windows; ${measured} / ${reference}: the median of the pairs' ratios, with its quartiles`,
    ...loads.flatMap((load) => [
      '',
      titleOf(load, connections, perSecond),
      ...loadLines(load, reference, measured),
    ]),
    ...(floor === undefined ? [] : ['', ...floorLines(floor, measured)]),
    ...rateLines(report),
    ...signatureLines(report),
  ]
  return `${lines.join('\n')}\n`
}

function titleOf({ load }: LoadComparison, connections: number, perSecond: number): string {
  const titles = {
    crowd: `crowd: ${connections} connections, each sends when it has its answer`,
    lone: 'lone: one connection, nothing else under way',
    steady: `steady: ${perSecond} arrivals/s, latency from the arrival on`,
  }
  return titles[load]
}

function loadLines(comparison: LoadComparison, reference: string, measured: string): string[] {
  const { figures, referenceStolenShare, measuredStolenShare } = comparison
  const rows = figures.map(({ figure, reference: theirs, measured: ours, ratio }) => [
    `  ${figure}`,
    theirs.toFixed(2),
    ours.toFixed(2),
    ratio.median.toFixed(3),
    rangeOf(ratio, 3),
  ])
  const [first = [], ...others] = [
    ['', reference, measured, `${measured} / ${reference}`, 'quartiles'],
    ...rows,
  ]
  const all = [first, ...others]
  const widths = first.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)))
  const [theirs, ours] = [referenceStolenShare, measuredStolenShare].map((share) => (100 * share).toFixed(1))
  return [
    ...all.map((row) =>
      row
        .map((cell, column) =>
          column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
        )
        .join('  '),
    ),
    `  ${theirs} % and ${ours} % of the cores' time stolen by the host`,
  ]
}

function floorLines({ emptyRequestMs, flushMs, ratio }: FloorComparison, measured: string): string[] {
  const reached = ratio.median <= FLOOR_GOAL ? 'reached' : 'NOT REACHED'
  return [
    `the floor of a lone request: an empty request ${emptyRequestMs.toFixed(3)} ms + 2 x a flush ${flushMs.toFixed(3)} ms`,
    `${measured} / floor: ${ratio.median.toFixed(2)} (${rangeOf(ratio, 2)}; goal: at most ${FLOOR_GOAL}; ${reached})`,
  ]
}

function rateLines({ rateGoal, loads, measured, reference }: ComparisonReport): string[] {
  const rate = loads.find(({ load }) => load === 'crowd')?.figures.find(({ figure }) => figure === 'req/s')
  if (rateGoal === undefined || rate === undefined) return []
  const reached = rate.ratio.median >= rateGoal ? 'reached' : 'NOT REACHED'
  return [
    '',
    `req/s of the crowd, ${measured} / ${reference}: ${rate.ratio.median.toFixed(2)} (goal: at least ${rateGoal}; ${reached})`,
  ]
}

function signatureLines({ signature, reference, measured }: ComparisonReport): string[] {
  if (signature.length === 0) return []
  return [
    '',
    ...signature.map(({ load, verifyUs, ratio }) => {
      const reached = ratio.median <= SIGNATURE_GOAL ? 'reached' : 'NOT REACHED'
      return `${load}, CPU for a record: (${measured} - ${reference}) / one crypto.verify of ${verifyUs.toFixed(0)} us: ${ratio.median.toFixed(2)} (${rangeOf(ratio, 2)}; goal: at most ${SIGNATURE_GOAL}; ${reached})`
    }),
  ]
}

function rangeOf({ q1, q3 }: Quartiles, digits: number): string {
  return `${q1.toFixed(digits)} to ${q3.toFixed(digits)}`
}
