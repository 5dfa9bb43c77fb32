import type { LogFigures } from './log-bench.js'

const READING_GOAL = 200_000
const START_GOAL_MS = 2_000

/** What the log does by itself, for a person. @param verdict says whether a goal is reached */
export function renderLogFigures(
  { appends, full, reading, startMs }: LogFigures,
  verdict: (reached: boolean, goal: string) => string,
): string[] {
  const { appenders, flushed, unflushed } = appends
  const medianMs = startMs.toSorted((a, b) => a - b)[startMs.length >> 1] ?? Number.NaN
  const rate = (value: number): string => `${value.toFixed(0)} records/s`
  return [
    'the log by itself, with submissions and marks as the product writes them:',
    `append, ${appenders} appenders in one process: ${rate(flushed)} with flush, ${rate(unflushed)} without (${(flushed / unflushed).toFixed(2)})`,
    `a log of ${(full.sizeBytes / 1e9).toFixed(2)} GB, ${full.submissions} submissions, ${full.bytesPerSubmission.toFixed(0)} bytes for one and its mark, in the page cache:`,
    `reading back: ${rate(reading.reading)} ${verdict(reading.reading >= READING_GOAL, `at least ${READING_GOAL}`)}; opening: ${rate(reading.opening)}`,
    `start of the wal on it: ready after ${startMs.map((ms) => ms.toFixed(0)).join(', ')} ms, median ${medianMs.toFixed(0)} ms ${verdict(medianMs < START_GOAL_MS, `below ${START_GOAL_MS} ms`)}`,
  ]
}
