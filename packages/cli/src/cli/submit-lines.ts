import { setTimeout as sleep } from 'node:timers/promises'
import {
  BACKOFF_DEFAULT,
  Deliverer,
  judge,
  lineAnswers,
  retryAfterMs,
  waitMs,
} from '@fractal-lba/agent/delivery'
import { type Exchange, NoAnswer } from '@fractal-lba/agent/exchange'
import type { Gateway } from './gateway.js'
import type { InputLine } from './lines.js'

const BATCH_RECORDS_MAX = 500
const BATCH_BYTES_MAX = 2 * 2 ** 20
/** To a gateway that knows no batches. */
const SINGLES_AT_ONCE = 8

export interface SubmitLinesOptions {
  readonly gateway: Gateway
  /** How long to go on while no line gets its answer. */
  readonly waitMs: number
  /** Each line that has its answer: a verdict, or a refusal that is its end. */
  readonly onAnswer: (line: InputLine, answer: Exchange) => void
}

/** What kept the rest of the lines from their answers. */
export interface Unanswered {
  readonly lines: readonly InputLine[]
  /** A sentence. */
  readonly why: string
}

/**
 * Hands in many records, in batches and in their order. A line that finds no token, or a gateway that is away, is tried
 * again as long as others get on.
 * @returns the lines of the batch that was given up, with which it ends; undefined where all have their answers
 */
export async function submitLines(
  lines: AsyncIterable<InputLine>,
  options: SubmitLinesOptions,
): Promise<Unanswered | undefined> {
  const deliverer = new Deliverer({ ...options.gateway, connectionsMax: SINGLES_AT_ONCE })
  const way = new Way(deliverer)
  try {
    for await (const batch of batchesOf(lines)) {
      const unanswered = await submitBatch(batch, way, options)
      if (unanswered) return unanswered
    }
    return undefined
  } finally {
    deliverer.close()
  }
}

async function* batchesOf(lines: AsyncIterable<InputLine>): AsyncGenerator<readonly InputLine[], void> {
  let batch: InputLine[] = []
  let sizeBytes = 0
  for await (const line of lines) {
    const fits = batch.length < BATCH_RECORDS_MAX && sizeBytes + line.bytes.length <= BATCH_BYTES_MAX
    if (!fits && batch.length > 0) {
      yield batch
      batch = []
      sizeBytes = 0
    }
    batch.push(line)
    sizeBytes += line.bytes.length
  }
  if (batch.length > 0) yield batch
}

async function submitBatch(
  batch: readonly InputLine[],
  way: Way,
  { waitMs: patienceMs, onAnswer }: SubmitLinesOptions,
): Promise<Unanswered | undefined> {
  let open = batch
  let untilMs = performance.now() + patienceMs
  for (let failures = 1; ; failures += 1) {
    const { answers, askedMs, why } = await way.send(open)
    const left: InputLine[] = []
    for (const [index, line] of open.entries()) {
      const answer = answers[index]
      if (answer && isItsEnd(line, answer)) onAnswer(line, answer)
      else left.push(line)
    }
    if (left.length === 0) return undefined
    if (left.length < open.length) {
      failures = 0
      untilMs = performance.now() + patienceMs
    }
    open = left
    const pauseMs = waitMs(BACKOFF_DEFAULT, failures, askedMs, Math.random())
    if (performance.now() + pauseMs > untilMs) return { lines: open, why }
    await sleep(pauseMs)
  }
}

/** A record that cannot be read has no id: that its answer is no verdict on another one is not asked then. */
function isItsEnd({ bytes }: InputLine, answer: Exchange): boolean {
  return judge(answer, pcsIdIn(bytes)) !== 'retry'
}

function pcsIdIn(bytes: Buffer): string {
  try {
    const { pcs_id: pcsId } = JSON.parse(bytes.toString()) as { readonly pcs_id?: unknown }
    return typeof pcsId === 'string' ? pcsId : ''
  } catch {
    return '' // It is for the gateway to say what is wrong with it.
  }
}

interface Sent {
  /** In the order of the lines; undefined where there is none. */
  readonly answers: readonly (Exchange | undefined)[]
  /** By `Retry-After`, the longest of them. */
  readonly askedMs: number
  /** What was in the way, where something was. */
  readonly why: string
}

/** All in one request, or each by itself where the gateway knows no batches. */
class Way {
  readonly #deliverer: Deliverer
  #knowsBatches = true

  constructor(deliverer: Deliverer) {
    this.#deliverer = deliverer
  }

  async send(lines: readonly InputLine[]): Promise<Sent> {
    const { signal } = new AbortController()
    try {
      if (!this.#knowsBatches) return sentOf(await this.#eachAlone(lines, signal))
      const records = lines.map(({ bytes }) => bytes)
      const answer = await this.#deliverer.deliverBatch(records, signal)
      const answers = lineAnswers(answer, lines.length)
      if (answers) return sentOf(answers)
      if (answer.status !== 404 && answer.status !== 405) return sentOf([undefined], answer)
      this.#knowsBatches = false
      return this.send(lines)
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error
      return { answers: [], askedMs: 0, why: error.message }
    }
  }

  async #eachAlone(lines: readonly InputLine[], signal: AbortSignal): Promise<readonly Exchange[]> {
    const answers: Exchange[] = []
    for (let at = 0; at < lines.length; at += SINGLES_AT_ONCE) {
      const group = lines.slice(at, at + SINGLES_AT_ONCE)
      answers.push(...(await Promise.all(group.map(({ bytes }) => this.#deliverer.deliver(bytes, signal)))))
    }
    return answers
  }
}

/** @param whole the answer to all of them, where there is none to each */
function sentOf(answers: readonly (Exchange | undefined)[], whole?: Exchange): Sent {
  const given = [...answers, whole].filter((answer) => answer !== undefined)
  const asked = given.map((answer) => retryAfterMs(answer, Date.now()) ?? 0)
  const last = given.find(({ status }) => status !== 200 && status !== 202)
  return {
    answers,
    askedMs: Math.max(0, ...asked),
    why: `the last answer was ${(last ?? whole)?.status ?? 'none'}`,
  }
}
