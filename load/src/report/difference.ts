import { formOf } from './history.js'
import { figureText } from './plot.js'
import { cpuOfProduct, isSound, perSecondOf, type RunReport } from './report.js'

/** A figure of a run, and whether more of it is better. */
interface Figure {
  readonly name: string
  readonly moreIsBetter: boolean
  readonly of: (report: RunReport) => number | undefined
}

export interface Difference {
  readonly markdown: string
  /** A figure is worse by over 10 %, or more of the later runs were not sound. */
  readonly isWorse: boolean
}

/** Reports that do not compare; the message says why. */
export class NotComparable extends Error {
  override readonly name = 'NotComparable'
}

/** What is worse by more than this share fails. */
const WORSE_MAX = 0.1

const FIGURES: readonly Figure[] = [
  { name: 'submissions a second', moreIsBetter: true, of: perSecondOf },
  { name: 'p50, ms', moreIsBetter: false, of: ({ latency }) => latency.p50Ms },
  { name: 'p95, ms', moreIsBetter: false, of: ({ latency }) => latency.p95Ms },
  { name: 'p99, ms', moreIsBetter: false, of: ({ latency }) => latency.p99Ms },
  { name: 'CPU µs a submission', moreIsBetter: false, of: cpuOfProduct },
  {
    name: 'memory MiB, all processes',
    moreIsBetter: false,
    of: ({ processes }) => processes.reduce((sum, { memoryMiBMax }) => sum + memoryMiBMax, 0),
  },
]

/**
 * Runs before a change and after it, in the order in which they took turns. A ratio is the median of the pairs' ratios: below 1
 * is worse. @throws NotComparable where they are not of one profile and one form, or not in pairs
 */
export function difference(before: readonly RunReport[], after: readonly RunReport[]): Difference {
  const [first, last] = [before[0], after[0]]
  if (!first || !last || before.length !== after.length)
    throw new NotComparable(`${before.length} reports before and ${after.length} after are no pairs`)
  const title = titleOf(last)
  const other = [...before, ...after].find((report) => titleOf(report) !== title)
  if (other) throw new NotComparable(`${titleOf(other)} and ${title} do not compare`)
  const rows = [...FIGURES, ...partFigures(last)].flatMap((figure) => rowOf(figure, before, after))
  const worse = rows.filter(({ ratio }) => ratio < 1 - WORSE_MAX)
  const unsoundOf = (reports: readonly RunReport[]): number =>
    reports.filter((report) => !isSound(report)).length
  const [earlier, later] = [unsoundOf(before), unsoundOf(after)]
  const lines = [
    `### load: ${title}`,
    '',
    `${first.commit} → ${last.commit}, ${last.machine.cpu}, ${last.machine.cores} cores, ${before.length} by turns`,
    '',
    '| figure | before | after | ratio |',
    '|---|---|---|---|',
    ...rows.map(({ name, theirs, ours, ratio }) => {
      const mark = ratio < 1 - WORSE_MAX ? ' **worse**' : ''
      return `| ${name} | ${figureText(theirs)} | ${figureText(ours)} | ${ratio.toFixed(2)}${mark} |`
    }),
    '',
    later === 0
      ? 'Every gate held, and every record is accounted for.'
      : `In ${later} of the later runs a gate did not hold, or a record is not accounted for; in ${earlier} of the earlier ones.`,
    worse.length === 0
      ? 'No figure is worse by over 10 %.'
      : `**Worse by over 10 %**: ${worse.map(({ name }) => name).join(', ')}.`,
    '',
    "A ratio is the median of the pairs' ratios, below 1 is worse. Runs at different times on a shared machine differ by a third:",
    'only those that took turns on one machine say something.',
  ]
  return { markdown: `${lines.join('\n')}\n`, isWorse: worse.length > 0 || later > earlier }
}

interface Row {
  readonly name: string
  readonly theirs: number
  readonly ours: number
  readonly ratio: number
}

function rowOf(
  { name, moreIsBetter, of }: Figure,
  before: readonly RunReport[],
  after: readonly RunReport[],
): Row[] {
  const pairs = after.flatMap((report, index) => {
    const [ours, earlier] = [of(report), before[index]]
    const theirs = earlier && of(earlier)
    return ours === undefined || theirs === undefined ? [] : [{ theirs, ours }]
  })
  if (pairs.length === 0) return []
  return [
    {
      name,
      theirs: median(pairs.map(({ theirs }) => theirs)),
      ours: median(pairs.map(({ ours }) => ours)),
      ratio: median(pairs.map(({ theirs, ours }) => (moreIsBetter ? ours / theirs : theirs / ours))),
    },
  ]
}

function partFigures({ parts }: RunReport): readonly Figure[] {
  return parts.map(({ name }) => ({
    name: `${name}: p99, ms`,
    moreIsBetter: false,
    of: (report) => report.parts.find((part) => part.name === name)?.p99Ms,
  }))
}

function titleOf(report: RunReport): string {
  return `${report.run} (${formOf(report)})`
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const half = Math.floor(sorted.length / 2)
  const [low = Number.NaN, high = Number.NaN] = [
    sorted[sorted.length % 2 === 1 ? half : half - 1],
    sorted[half],
  ]
  return (low + high) / 2
}
