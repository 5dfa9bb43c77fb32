import { appendFile, readFile } from 'node:fs/promises'
import { cpuOfProduct, isSound, perSecondOf, type RunReport } from './report.js'

/** One run of those that were kept. */
export interface PastRun {
  readonly startedAt: string
  readonly commit: string
  readonly run: string
  /** "whole", or what was asked: "60 s x 0.5". */
  readonly form: string
  readonly perSecond: number
  readonly p50Ms: number
  readonly p95Ms: number
  readonly p99Ms: number
  readonly cpuUsPerSubmission: number
  readonly sound: boolean
}

const COLUMNS = [
  ...['started_at', 'commit', 'run', 'form', 'per_second', 'p50_ms', 'p95_ms', 'p99_ms'],
  ...['cpu_us_per_submission', 'sound'],
].join(',')

/** Runs of one form compare. */
export type Form = Pick<RunReport, 'isWhole' | 'seconds' | 'scale' | 'oneProcess'>

export function formOf({ isWhole, seconds, scale, oneProcess }: Form): string {
  const form = isWhole ? 'whole' : `${seconds ?? 'all'} s x ${scale}`
  return oneProcess ? `${form} on one process` : form
}

/** Appends this run. @returns all that were kept, this one last. */
export async function keepInHistory(file: string, report: RunReport): Promise<readonly PastRun[]> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return ''
    throw error
  })
  const { p50Ms, p95Ms, p99Ms } = report.latency
  const cells = [
    ...[report.startedAt, report.commit, report.run, formOf(report)],
    ...[perSecondOf(report), p50Ms, p95Ms, p99Ms, cpuOfProduct(report)].map((figure) => figure.toFixed(2)),
    isSound(report),
  ]
  const line = `${cells.join(',')}\n`
  await appendFile(file, text === '' ? `${COLUMNS}\n${line}` : line)
  return readHistory(`${text}${line}`)
}

/** Lines that are none are left out. */
export function readHistory(text: string): readonly PastRun[] {
  return text.split('\n').flatMap((line) => {
    const [startedAt = '', commit = '', run = '', form = '', ...rest] = line.split(',')
    const [perSecond = NaN, p50Ms = NaN, p95Ms = NaN, p99Ms = NaN, cpuUsPerSubmission = NaN] =
      rest.map(Number)
    if (Number.isNaN(p95Ms)) return []
    const figures = { perSecond, p50Ms, p95Ms, p99Ms, cpuUsPerSubmission }
    return [{ startedAt, commit, run, form, ...figures, sound: rest[5] === 'true' }]
  })
}
