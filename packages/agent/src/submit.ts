import { setTimeout as sleep } from 'node:timers/promises'
import type { Ed25519PrivateKey, HmacKey, Pcs } from '@fractal-lba/pcs'
import { jsonObject } from '@fractal-lba/runtime/text'
import { BACKOFF_DEFAULT, type BackoffPolicy, retryAfterMs, waitMs } from './delivery/backoff.js'
import { judge } from './delivery/judgement.js'
import {
  type ClientTls,
  type Exchange,
  type ExchangeRequest,
  exchange,
  NoAnswer,
  parseEndpoint,
  type TraceHeaders,
  UnusableEndpoint,
} from './exchange.js'
import { type BuildInput, buildRecord } from './record/build.js'
import { recordText } from './record/record-text.js'
import { signRecord } from './record/sign-record.js'

export const SUBMIT_ATTEMPT_TIMEOUT_MS = 10_000
export const SUBMIT_TOTAL_TIMEOUT_MS = 60_000

export interface SubmitRecordOptions {
  /** Where the gateway is, such as https://gateway.example. */
  readonly endpoint: string | URL
  readonly tls?: ClientTls
  /** How long one attempt waits for its answer; 10 s by default. */
  readonly attemptTimeoutMs?: number
  /** How long all attempts and the waits between them may take; 60 s by default. */
  readonly totalTimeoutMs?: number
  readonly backoff?: BackoffPolicy
  /** The span that the submission is a part of, of all its attempts. */
  readonly trace?: TraceHeaders
  /** Ends the submission; the record may have been judged all the same. */
  readonly signal?: AbortSignal
}

export interface SubmitOptions extends SubmitRecordOptions {
  /** Signs the record; leave it out only where the verifier runs with `none`. */
  readonly key?: HmacKey | Ed25519PrivateKey
}

/** The verdict of the gateway on a record. */
export interface SubmittedOutcome {
  readonly pcsId: string
  /** 200, or 202 when the record is escalated. */
  readonly status: number
  readonly accepted: boolean
  readonly escalated: boolean
  /** The verdict was stored before: this attempt did not make it. */
  readonly replayed: boolean
  readonly attempts: number
  /** The header as it came: names the trace of the submission; undefined where none was recorded. */
  readonly traceresponse?: string | undefined
  /** The whole verdict as JSON (the contract, section 4). */
  readonly body: string
}

/**
 * `conflict`: another record was judged first under this id (409). `refused`: the gateway will never judge it as it is
 * (its 400, 401 or 413). `unavailable`: no verdict within the time; the same record may be submitted again.
 * `aborted`: the signal ended it.
 */
export type SubmitErrorCode = 'conflict' | 'refused' | 'unavailable' | 'aborted'

/** Why a submission has no outcome. The message is a sentence for people. */
export class SubmitError extends Error {
  override readonly name = 'SubmitError'
  readonly code: SubmitErrorCode
  readonly attempts: number
  /** The last answer; undefined when none came. */
  readonly answer: Exchange | undefined

  constructor(
    code: SubmitErrorCode,
    message: string,
    { attempts, answer, cause }: { attempts: number; answer?: Exchange | undefined; cause?: unknown },
  ) {
    super(message, { cause })
    this.code = code
    this.attempts = attempts
    this.answer = answer
  }
}

/**
 * Builds the record of an event stream, signs it and submits it until it is judged.
 *
 * @throws SubmitError when no verdict came
 * @throws MalformedCsv, UnbuildableRecord or MalformedRecord when no record can be built from the input
 */
export async function submit(input: BuildInput, options: SubmitOptions): Promise<SubmittedOutcome> {
  const record = buildRecord(input)
  return submitRecord(options.key === undefined ? record : signRecord(record, options.key), options)
}

/**
 * Submits a record until the gateway judges or refuses it. Without an answer of the gateway that settles it (none, a
 * 503, a page of something else at that address) it is tried again with back-off. Every attempt sends the same bytes, so that the gateway judges the record once.
 *
 * @throws SubmitError when no verdict came
 * @throws UnusableEndpoint
 */
export async function submitRecord(record: Pcs, options: SubmitRecordOptions): Promise<SubmittedOutcome> {
  const { attemptTimeoutMs = SUBMIT_ATTEMPT_TIMEOUT_MS, totalTimeoutMs = SUBMIT_TOTAL_TIMEOUT_MS } = options
  const { backoff = BACKOFF_DEFAULT, signal } = options
  const to = { endpoint: usableEndpoint(options.endpoint), ...(options.tls && { tls: options.tls }) }
  const bytes = Buffer.from(recordText(record))
  const endMs = performance.now() + totalTimeoutMs
  let lastAnswer: Exchange | undefined
  for (let attempts = 1; ; attempts++) {
    const timeoutMs = Math.max(1, Math.min(attemptTimeoutMs, Math.ceil(endMs - performance.now())))
    const answer = await attempt({ ...to, body: bytes, timeoutMs }, options.trace, signal)
    if (answer instanceof NoAnswer) {
      if (signal?.aborted) throw aborted(attempts)
    } else {
      lastAnswer = answer
      const judgement = judge(answer, record.pcs_id)
      if (judgement === 'acknowledged') return outcomeOf(record.pcs_id, answer, attempts)
      if (judgement !== 'retry') throw refusal(judgement, answer, attempts)
    }
    const askedMs = answer instanceof NoAnswer ? 0 : (retryAfterMs(answer, Date.now()) ?? 0)
    const pauseMs = waitMs(backoff, attempts, askedMs, Math.random())
    if (performance.now() + pauseMs >= endMs) {
      throw unavailable(answer instanceof NoAnswer ? answer : undefined, lastAnswer, attempts)
    }
    if (!(await waited(pauseMs, signal))) throw aborted(attempts)
  }
}

function usableEndpoint(given: string | URL): URL {
  try {
    return parseEndpoint(given)
  } catch (error) {
    if (error instanceof UnusableEndpoint) throw new UnusableEndpoint(`the endpoint ${error.message}`)
    throw error
  }
}

async function attempt(
  request: Pick<ExchangeRequest, 'endpoint' | 'tls' | 'timeoutMs'> & { readonly body: Uint8Array },
  trace: TraceHeaders | undefined,
  signal: AbortSignal | undefined,
): Promise<Exchange | NoAnswer> {
  const headers = { 'content-type': 'application/json', 'content-length': request.body.length, ...trace }
  try {
    return await exchange({
      ...request,
      path: 'v1/pcs/submit',
      method: 'POST',
      headers,
      ...(signal && { signal }),
    })
  } catch (error) {
    if (error instanceof NoAnswer) return error
    throw error
  }
}

/** @returns false when the signal came first */
async function waited(waitMs: number, signal: AbortSignal | undefined): Promise<boolean> {
  try {
    await sleep(waitMs, undefined, signal && { signal })
    return true
  } catch (error) {
    if (signal?.aborted) return false
    throw error
  }
}

function outcomeOf(
  pcsId: string,
  { status, replayed, traceresponse, body }: Exchange,
  attempts: number,
): SubmittedOutcome {
  const verdict = jsonObject(body)
  const accepted = verdict?.accepted === true
  const escalated = verdict?.escalated === true
  return { pcsId, status, accepted, escalated, replayed, attempts, traceresponse, body }
}

function refusal(judgement: 'conflict' | 'dead', answer: Exchange, attempts: number): SubmitError {
  return judgement === 'conflict'
    ? new SubmitError('conflict', 'another record was judged first under this id', { attempts, answer })
    : new SubmitError('refused', `the record was refused with ${answer.status}`, { attempts, answer })
}

/** The last attempt may have had hardly any time left: an earlier answer says more than its silence. */
function unavailable(
  silence: NoAnswer | undefined,
  answer: Exchange | undefined,
  attempts: number,
): SubmitError {
  const sentence = answer === undefined ? silence?.message : `the last answer was ${answer.status}`
  return new SubmitError('unavailable', `no verdict in time: ${sentence}`, {
    attempts,
    answer,
    cause: silence,
  })
}

function aborted(attempts: number): SubmitError {
  return new SubmitError('aborted', 'the submission was ended before its verdict came', { attempts })
}
