import { type Agent, type IncomingMessage, type RequestOptions, request as requestByHttp } from 'node:http'
import { request as requestByHttps } from 'node:https'
import { printable } from '@fractal-lba/runtime/text'
import type { ClientTls } from './client-tls.js'

export { type ClientTls, readClientTls } from './client-tls.js'

/** A verdict has some hundred bytes, a problem with its 100 errors some thousand. */
const ANSWER_BYTES_MAX = 1024 * 1024

export interface ExchangeRequest {
  /** Where the gateway is; what its path begins with is kept. */
  readonly endpoint: URL
  /** Below the endpoint, without a slash at its beginning. */
  readonly path: string
  readonly method: 'GET' | 'POST'
  readonly headers?: Readonly<Record<string, string | number>>
  readonly body?: Uint8Array
  /** From the first byte sent to the last one received. */
  readonly timeoutMs: number
  /** The longest answer that is taken; 1 MiB by default. */
  readonly answerBytesMax?: number
  readonly tls?: ClientTls
  /** Keeps connections, by TLS of its own; without one each request has a connection of its own. */
  readonly agent?: Agent
  /** Breaks the exchange off. */
  readonly signal?: AbortSignal
}

/** An address that no gateway can have. The message goes on after a name for it, and never holds the address itself. */
export class UnusableEndpoint extends Error {
  override readonly name = 'UnusableEndpoint'
}

/**
 * The address of a gateway.
 * @throws UnusableEndpoint when it is no http or https address, or holds a user name or password
 */
export function parseEndpoint(given: string | URL): URL {
  const text = String(given)
  // Not by the error of `new URL`: it holds the text, and with it what may be a password.
  const endpoint = URL.canParse(text) ? new URL(text) : undefined
  if (endpoint === undefined || !['http:', 'https:'].includes(endpoint.protocol)) {
    throw new UnusableEndpoint('must be an address such as https://gateway.example')
  }
  if (endpoint.username !== '' || endpoint.password !== '') {
    throw new UnusableEndpoint('must not hold a user name or password')
  }
  return endpoint
}

/** W3C Trace Context: the span that a request is a part of. */
export interface TraceHeaders {
  readonly traceparent: string
  readonly tracestate?: string
}

/** The answer of the other side. */
export interface Exchange {
  readonly status: number
  /** The outcome was stored before: this request did not make it. */
  readonly replayed: boolean
  /** The header as it came. */
  readonly contentType: string | undefined
  /** The header as it came. */
  readonly retryAfter: string | undefined
  /** The header as it came: what the other side's clock shows. */
  readonly date: string | undefined
  /** The header as it came: names the trace of the request; undefined where none was recorded. */
  readonly traceresponse?: string | undefined
  readonly body: string
}

/** No usable answer came; the message is a sentence with the reason. `tooLarge`: the answer was longer than allowed. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer'
  readonly tooLarge: boolean

  constructor(message: string, tooLarge: boolean, options?: ErrorOptions) {
    super(message, options)
    this.tooLarge = tooLarge
  }
}

/** One request and its whole answer, whatever its status. @throws NoAnswer */
export async function exchange(request: ExchangeRequest): Promise<Exchange> {
  const { endpoint, path, method, timeoutMs, headers = {}, body = new Uint8Array() } = request
  const url = new URL(endpoint)
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/${path}`
  url.search = ''
  const limit = new Limit(timeoutMs, request.signal)
  try {
    const { signal } = limit
    const options = { ...request.tls, method, headers, signal, agent: request.agent ?? false }
    const response = await send(url, options, body)
    return {
      status: response.statusCode ?? 0,
      replayed: response.headers['idempotent-replayed'] === 'true',
      contentType: response.headers['content-type'],
      retryAfter: response.headers['retry-after'],
      date: response.headers.date,
      traceresponse: headerOf(response, 'traceresponse'),
      body: await bodyOf(response, request.answerBytesMax ?? ANSWER_BYTES_MAX),
    }
  } catch (error) {
    if (error instanceof NoAnswer) throw error
    const why = limit.isOver ? ` within ${timeoutMs} ms` : `: ${reasonOf(error)}`
    throw new NoAnswer(`no answer from ${endpoint.origin}${why}`, false, { cause: error })
  } finally {
    limit.release()
  }
}

/**
 * The end of an exchange, by time or from outside. Not by AbortSignal.any: a signal that lives as long as the
 * process would keep something of each exchange for as long.
 */
class Limit {
  readonly #controller = new AbortController()
  readonly #timer: NodeJS.Timeout
  readonly #outer: AbortSignal | undefined
  readonly #end = (): void => this.#controller.abort()
  isOver = false

  constructor(timeoutMs: number, outer: AbortSignal | undefined) {
    this.#outer = outer
    this.#timer = setTimeout(() => {
      this.isOver = true
      this.#end()
    }, timeoutMs)
    if (outer?.aborted) this.#end()
    outer?.addEventListener('abort', this.#end)
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  release(): void {
    clearTimeout(this.#timer)
    this.#outer?.removeEventListener('abort', this.#end)
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

function headerOf({ headers }: IncomingMessage, name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'string' ? value : undefined
}

async function bodyOf(response: AsyncIterable<Uint8Array>, bytesMax: number): Promise<string> {
  const chunks: Uint8Array[] = []
  let sizeBytes = 0
  for await (const chunk of response) {
    sizeBytes += chunk.length
    if (sizeBytes > bytesMax) {
      throw new NoAnswer('the answer is too large to be one of the gateway’s', true)
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

const UNKNOWN_AUTHORITY = 'no authority that is known here has signed its certificate (TLS_CA_FILE names one)'

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there (is the system running? npm start starts it here)',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'the name of the host cannot be looked up now',
  ECONNRESET: 'the connection broke before the answer',
  EPIPE: 'the connection broke before the answer',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'the network cannot be reached',
  ETIMEDOUT: 'the connection took too long',
  DEPTH_ZERO_SELF_SIGNED_CERT: UNKNOWN_AUTHORITY,
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_AUTHORITY,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_AUTHORITY,
}

function reasonOf(error: unknown): string {
  // A name with several addresses fails as a group; its first member says why.
  const first = error instanceof AggregateError ? error.errors[0] : error
  const code = first instanceof Error && 'code' in first ? String(first.code) : ''
  return REASONS[code] ?? printable(first instanceof Error ? first.message : String(first))
}
