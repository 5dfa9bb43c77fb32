import { type Exchange, type ExchangeRequest, exchange, NoAnswer } from '@fractal-lba/agent/exchange'
import { printable } from '@fractal-lba/runtime/text'
import type { Terminal } from './command.js'
import { EXIT, Failure, usageError } from './failure.js'

const ENDPOINT_DEFAULT = 'http://127.0.0.1:8080'

/** What the gateway said. */
export interface Answer {
  readonly status: number
  /** The outcome was stored before: this request did not make it. */
  readonly replayed: boolean
  /** Seconds, when the answer names them. */
  readonly retryAfterSeconds: number | undefined
  readonly body: string
}

/** Where to and how long to wait. */
export interface Gateway {
  readonly endpoint: URL
  readonly timeoutMs: number
}

/**
 * The gateway's address from `--endpoint` or `ENDPOINT`. Remarks on plain HTTP to another machine.
 * @throws Failure when it is no http or https address
 */
export function endpointFrom(option: string | undefined, terminal: Terminal): URL {
  const text = option ?? (terminal.env.ENDPOINT || ENDPOINT_DEFAULT)
  const endpoint = URL.canParse(text) ? new URL(text) : undefined
  if (endpoint === undefined || !['http:', 'https:'].includes(endpoint.protocol)) {
    throw usageError(`the endpoint must be an address such as ${ENDPOINT_DEFAULT}, found ${printable(text)}`)
  }
  if (endpoint.username !== '' || endpoint.password !== '') {
    throw usageError('the endpoint must not hold a user name or password')
  }
  if (endpoint.protocol === 'http:' && !isLoopback(endpoint.hostname)) {
    terminal.err(`pcs: ${endpoint.host} is another machine: records should travel by https\n`)
  }
  return endpoint
}

/** Posts the bytes as they are. @throws Failure with exit code 3 when no answer comes */
export function postRecord(gateway: Gateway, bytes: Uint8Array): Promise<Answer> {
  const headers = { 'content-type': 'application/json', 'content-length': bytes.length }
  return answerOf({ ...gateway, path: 'v1/pcs/submit', method: 'POST', headers, body: bytes })
}

/** Asks for a stored outcome. @throws Failure with exit code 3 when no answer comes */
export function getOutcome(gateway: Gateway, pcsId: string): Promise<Answer> {
  return answerOf({ ...gateway, path: `v1/pcs/${pcsId}`, method: 'GET' })
}

async function answerOf(request: ExchangeRequest): Promise<Answer> {
  try {
    const answer = await exchange(request)
    return { ...answer, retryAfterSeconds: secondsOf(answer) }
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error
    throw new Failure(error.message, error.tooLarge ? EXIT.refused : EXIT.tryLater, { cause: error })
  }
}

function secondsOf({ retryAfter = '' }: Exchange): number | undefined {
  return /^\d{1,9}$/.test(retryAfter) ? Number(retryAfter) : undefined
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(hostname)
}
