import { jsonObject } from '@fractal-lba/runtime/text'
import type { Exchange } from '../exchange.js'

/** As long as no more records than this are due, each goes by itself. */
const SINGLES_MAX = 8
/** Half of what a gateway takes (the contract, section 9), so that its limits are nowhere near. */
const RECORDS_MAX = 500
export const BATCH_BYTES_MAX = 2 * 2 ** 20
/** A gateway without batches may have been replaced by a newer one meanwhile. */
const ASK_AGAIN_MS = 10 * 60_000
/** Answers of a gateway, or of what stands before it, that knows no such path. */
const NO_BATCHES = new Set([404, 405, 501])
const LF = 0x0a

/** Whether records go together, and how many. */
export class BatchUse {
  #recordsMax = RECORDS_MAX
  #untilMs = 0

  /** @param due how many records could be sent now @returns how many go together; 0: each by itself */
  recordsOf(due: number, nowMs: number): number {
    if (nowMs < this.#untilMs || due <= SINGLES_MAX || this.#recordsMax <= SINGLES_MAX) return 0
    return Math.min(due, this.#recordsMax)
  }

  /**
   * An answer to a batch as a whole, none of whose records was taken.
   * @returns whether they may be sent again at once, in another way
   */
  refused({ status }: Exchange, sent: number, nowMs: number): boolean {
    if (NO_BATCHES.has(status)) this.#untilMs = nowMs + ASK_AGAIN_MS
    else if (status === 413) this.#recordsMax = Math.floor(Math.min(this.#recordsMax, sent) / 2)
    else return false
    return true
  }
}

/** A record that holds the end of a line would be two. */
export function fitsALine(record: Uint8Array): boolean {
  return !record.includes(LF)
}

/** The body of a batch. */
export function batchOf(records: readonly Uint8Array[]): Buffer {
  const lineEnd = Buffer.of(LF)
  return Buffer.concat(records.flatMap((record) => [record, lineEnd]))
}

/**
 * The answers to the lines of a batch, each as the record alone would have got it; undefined for a line that has none.
 * @returns undefined where the whole is no answer to a batch
 */
export function lineAnswers(answer: Exchange, lines: number): readonly (Exchange | undefined)[] | undefined {
  if (answer.status !== 200 || !/^application\/x-ndjson(?:;|$)/i.test(answer.contentType ?? ''))
    return undefined
  const answers = Array<Exchange | undefined>(lines)
  for (const text of answer.body.split('\n')) {
    const said = jsonObject(text)
    const line = said?.line
    if (!said || !isLineOf(line, lines) || typeof said.status !== 'number') continue
    const isOutcome = said.outcome !== undefined
    answers[line - 1] = {
      ...answer,
      status: said.status,
      replayed: said.replayed === true,
      contentType: isOutcome ? 'application/json' : 'application/problem+json',
      retryAfter: typeof said.retry_after === 'number' ? String(said.retry_after) : undefined,
      body: partOf(text, isOutcome ? 'outcome' : 'problem', isOutcome ? said.outcome : said.problem),
    }
  }
  return answers
}

function isLineOf(line: unknown, lines: number): line is number {
  return typeof line === 'number' && Number.isInteger(line) && line >= 1 && line <= lines
}

/** The text of the last member of an object, byte for byte; written anew where it is not the last. */
function partOf(text: string, name: string, value: unknown): string {
  const start = text.indexOf(`"${name}":`) + name.length + 3
  const part = text.slice(start, text.lastIndexOf('}'))
  return jsonObject(part) ? part : JSON.stringify(value ?? null)
}
