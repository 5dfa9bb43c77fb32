import { renderOutcome } from '@fractal-lba/pcs'
import type { Answered } from '../../decision.js'
import type { ToldProblem } from '../answers.js'

/** A line of a batch that has something in it. */
export interface Line {
  /** From 1; empty lines count. */
  readonly number: number
  /** Without what ends it. Of the batch's memory. */
  readonly body: Buffer
}

const LF = 0x0a
const CR = 0x0d

/**
 * The lines of a batch that are not empty. A line ends with LF, or CR LF; the last one may lack the LF.
 * @returns undefined where there are more lines than that, the empty ones among them
 */
export function linesOf(batch: Buffer, linesMax: number): readonly Line[] | undefined {
  const lines: Line[] = []
  let number = 0
  for (let start = 0; start < batch.length; ) {
    number += 1
    if (number > linesMax) return undefined
    const found = batch.indexOf(LF, start)
    const end = found < 0 ? batch.length : found
    const hasReturn = end > start && batch[end - 1] === CR
    const body = batch.subarray(start, hasReturn ? end - 1 : end)
    if (body.length > 0) lines.push({ number, body })
    start = end + 1
  }
  return lines
}

/** The answer to a line: the contract's section 9. The body of the outcome is that of a submission, byte for byte. */
export function outcomeLine(line: number, { status, replayed, outcome }: Answered): string {
  return `{"line":${line},"status":${status},"replayed":${replayed},"outcome":${renderOutcome(outcome)}}\n`
}

export function problemLine(line: number, { status, body, retryAfterSeconds }: ToldProblem): string {
  const wait = retryAfterSeconds === undefined ? '' : `"retry_after":${retryAfterSeconds},`
  return `{"line":${line},"status":${status},${wait}"problem":${body}}\n`
}
