import { formOf } from './history.js'
import { cpuOfProduct } from './page.js'
import { figureText } from './plot.js'
import { isSound, perSecondOf, type RunReport } from './report.js'

/** A figure of two runs. */
interface Compared {
  readonly name: string
  readonly before: number
  readonly after: number
  /** after / before where more is better, before / after where less is: 1 is the same, below it is worse. */
  readonly ratio: number
}

export interface Difference {
  readonly markdown: string
  /** A figure is worse by over 10 %, or the later run was not sound. */
  readonly isWorse: boolean
}

/** What is worse by more than this share fails. */
const WORSE_MAX = 0.1

/** Two reports of one profile beside each other. @throws Error where they are of different ones. */
export function difference(before: RunReport, after: RunReport): Difference {
  if (before.run !== after.run || formOf(before) !== formOf(after)) {
    const text = (report: RunReport): string => `${report.run} (${formOf(report)})`
    throw new Error(`${text(before)} and ${text(after)} do not compare`)
  }
  const figures = [
    more('submissions a second', perSecondOf(before), perSecondOf(after)),
    less('p50, ms', before.latency.p50Ms, after.latency.p50Ms),
    less('p95, ms', before.latency.p95Ms, after.latency.p95Ms),
    less('p99, ms', before.latency.p99Ms, after.latency.p99Ms),
    less('CPU µs a submission', cpuOfProduct(before), cpuOfProduct(after)),
    less('memory MiB, all processes', memoryOf(before), memoryOf(after)),
    ...partFigures(before, after),
  ]
  const worse = figures.filter(({ ratio }) => ratio < 1 - WORSE_MAX)
  const sound = isSound(after)
  const lines = [
    `### load: ${after.run} (${formOf(after)})`,
    '',
    `${before.commit} → ${after.commit}, ${after.machine.cpu}, ${after.machine.cores} cores`,
    '',
    '| figure | before | after | ratio |',
    '|---|---|---|---|',
    ...figures.map(({ name, before: old, after: now, ratio }) => {
      const mark = ratio < 1 - WORSE_MAX ? ' **worse**' : ''
      return `| ${name} | ${figureText(old)} | ${figureText(now)} | ${ratio.toFixed(2)}${mark} |`
    }),
    '',
    sound
      ? 'Every gate held, and every record is accounted for.'
      : '**A gate did not hold, or a record is not accounted for.**',
    worse.length === 0
      ? 'No figure is worse by over 10 %.'
      : `**Worse by over 10 %**: ${worse.map(({ name }) => name).join(', ')}.`,
    '',
    'A ratio below 1 is worse. Two runs at different times on a shared machine differ by a third: only runs on the same',
    'machine, one after the other, say something.',
  ]
  return { markdown: `${lines.join('\n')}\n`, isWorse: worse.length > 0 || !sound }
}

function partFigures(before: RunReport, after: RunReport): Compared[] {
  return after.parts.flatMap((part) => {
    const earlier = before.parts.find(({ name }) => name === part.name)
    return earlier ? [less(`${part.name}: p99, ms`, earlier.p99Ms, part.p99Ms)] : []
  })
}

function more(name: string, before: number, after: number): Compared {
  return { name, before, after, ratio: after / before }
}

function less(name: string, before: number, after: number): Compared {
  return { name, before, after, ratio: before / after }
}

function memoryOf({ processes }: RunReport): number {
  return processes.reduce((sum, { memoryMiBMax }) => sum + memoryMiBMax, 0)
}
