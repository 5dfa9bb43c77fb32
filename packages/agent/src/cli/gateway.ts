import { type IncomingMessage, type RequestOptions, request as requestByHttp } from 'node:http'
import { request as requestByHttps } from 'node:https'
import { printable } from '../printable.js'
import type { Terminal } from './command.js'
import { EXIT, Failure, usageError } from './failure.js'

const ENDPOINT_DEFAULT = 'http://127.0.0.1:8080'
/** A verdict has some hundred bytes, a problem with its 100 errors some thousand. */
const ANSWER_BYTES_MAX = 1024 * 1024

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
  return exchange(gateway, 'v1/pcs/submit', { method: 'POST', headers }, bytes)
}

/** Asks for a stored outcome. @throws Failure with exit code 3 when no answer comes */
export function getOutcome(gateway: Gateway, pcsId: string): Promise<Answer> {
  return exchange(gateway, `v1/pcs/${pcsId}`, { method: 'GET' })
}

async function exchange(
  { endpoint, timeoutMs }: Gateway,
  path: string,
  options: RequestOptions,
  body: Uint8Array = new Uint8Array(),
): Promise<Answer> {
  const url = new URL(endpoint)
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/${path}`
  url.search = ''
  const signal = AbortSignal.timeout(timeoutMs)
  try {
    const response = await send(url, { ...options, signal, agent: false }, body)
    const retryAfter = response.headers['retry-after'] ?? ''
    return {
      status: response.statusCode ?? 0,
      replayed: response.headers['idempotent-replayed'] === 'true',
      retryAfterSeconds: /^\d{1,9}$/.test(retryAfter) ? Number(retryAfter) : undefined,
      body: await bodyOf(response),
    }
  } catch (error) {
    if (error instanceof Failure) throw error
    const why = signal.aborted ? ` within ${timeoutMs} ms` : `: ${reasonOf(error)}`
    throw new Failure(`no answer from ${endpoint.origin}${why}`, EXIT.tryLater, {
      cause: error,
    })
  }
}

// Not by fetch: it refuses a number of ports that a gateway may well listen on.
function send(url: URL, options: RequestOptions, body: Uint8Array): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = url.protocol === 'https:' ? requestByHttps : requestByHttp
    const outgoing = request(url, options, resolve)
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

async function bodyOf(response: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = []
  let sizeBytes = 0
  for await (const chunk of response) {
    sizeBytes += chunk.length
    if (sizeBytes > ANSWER_BYTES_MAX) throw new Failure('the answer is too large to be one of the gateway’s')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there (is the system running? npm start starts it here)',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'the name of the host cannot be looked up now',
  ECONNRESET: 'the connection broke before the answer',
  EPIPE: 'the connection broke before the answer',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'the network cannot be reached',
  ETIMEDOUT: 'the connection took too long',
}

function reasonOf(error: unknown): string {
  // A name with several addresses fails as a group; its first member says why.
  const first = error instanceof AggregateError ? error.errors[0] : error
  const code = first instanceof Error && 'code' in first ? String(first.code) : ''
  return REASONS[code] ?? printable(first instanceof Error ? first.message : String(first))
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(hostname)
}
