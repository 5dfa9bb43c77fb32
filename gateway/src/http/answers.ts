import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { PROBLEM_CONTENT_TYPE, problemOf, recordProblems, renderProblem } from '@fractal-lba/http-api'
import { type AppError, type Logger, monotonicMs, toAppError, withJitter } from '@fractal-lba/runtime'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Admission } from '../admission.js'
import { clientKey } from '../client-address.js'
import { requestIdFrom } from '../request-id.js'
import type { Refusal } from './admission.js'
import { closeAfterReading, hold, readAway } from './linger.js'
import { type HttpMetrics, UNMATCHED } from './metrics.js'
import { connectionOf } from './request-state.js'
import { StreamedAnswer } from './streamed-answer.js'

export interface Content {
  readonly status: number
  readonly type: string
  readonly body: string | Buffer
  /** More header fields: name, value, name, value. */
  readonly fields?: readonly string[]
}

/** A problem, as it is told over HTTP. */
export interface ToldProblem {
  readonly status: number
  /** The problem document. */
  readonly body: string
  /** Of a 429 or 503. */
  readonly retryAfterSeconds: number | undefined
}

const NONE: readonly string[] = []
const NOSNIFF = ['X-Content-Type-Options', 'nosniff'] as const
const UNAUTHENTICATED = ['WWW-Authenticate', 'PCS-Signature realm="pcs"'] as const

/** A body of a refused request up to this size is left to Node, which reads it away before the next request. */
const UNREAD_BYTES_MAX = 64 * 2 ** 10

/**
 * The one place where answers leave. It writes to Node's response directly: Fastify's reply costs about 25 µs
 * more per request, and not all answers have a reply.
 */
export class Answers {
  readonly #metrics: HttpMetrics
  readonly #logger: Logger
  readonly #retryAfterMs: number
  readonly #admission: Pick<Admission, 'refusalDelayMs'>
  #closing = false

  constructor(
    metrics: HttpMetrics,
    logger: Logger,
    retryAfterMs: number,
    admission: Pick<Admission, 'refusalDelayMs'>,
  ) {
    this.#metrics = metrics
    this.#logger = logger
    this.#retryAfterMs = retryAfterMs
    this.#admission = admission
  }

  /** From here on each answer is the last of its connection. */
  close(): void {
    this.#closing = true
  }

  /** To be called once for each request, before all else. */
  expect(request: FastifyRequest): void {
    const connection = connectionOf(request.raw.socket)
    connection.unanswered += 1
    connection.last = request
    request.connection = connection
    request.startedMs = monotonicMs()
  }

  /** The answer. Only the first for a request counts. */
  send(request: FastifyRequest, reply: FastifyReply, { status, type, body, fields }: Content): void {
    if (request.answered) return
    request.answered = true
    const { raw, connection } = request
    connection.unanswered -= 1
    const response = reply.raw
    const unread = !raw.complete && mayGoOn(raw, connection.ending)
    const headers = ['Content-Type', type, 'Content-Length', String(Buffer.byteLength(body))]
    pushFields(headers, request, fields)
    const last = connection.ending && connection.unanswered === 0
    if (this.#closing || last || unread) headers.push('Connection', 'close')
    response.writeHead(status, headers)
    if (unread) endConnection(raw, response, body)
    else response.end(body)
    this.#note(request, status)
  }

  /**
   * An answer that comes in parts, to a request that was read to its end.
   * @param untilMs monotonic: by then the client has taken all of it, or is cut off
   */
  stream(
    request: FastifyRequest,
    reply: FastifyReply,
    { status, type }: Pick<Content, 'status' | 'type'>,
    untilMs: number,
  ): StreamedAnswer {
    request.answered = true
    const headers = ['Content-Type', type]
    pushFields(headers, request)
    if (this.#closing) headers.push('Connection', 'close')
    reply.raw.writeHead(status, headers)
    return new StreamedAnswer(reply.raw, untilMs, () => {
      const { connection } = request
      connection.unanswered -= 1
      const { socket } = reply.raw
      // The head has said nothing of an end that only what came behind the request has made due.
      if (socket && connection.ending && connection.unanswered === 0) {
        reply.raw.once('finish', () => closeAfterReading(socket))
      }
      this.#note(request, status)
    })
  }

  /** The answer to what went wrong on the way of a record, or anywhere else. */
  fail(request: FastifyRequest, reply: FastifyReply, error: unknown): void {
    const { status, body, retryAfterSeconds } = this.told(error, request.id)
    const fields = [
      ...(status === recordProblems.unauthenticated.status ? UNAUTHENTICATED : NONE),
      ...(retryAfterSeconds === undefined ? NONE : ['Retry-After', String(retryAfterSeconds)]),
    ]
    this.send(request, reply, { status, type: PROBLEM_CONTENT_TYPE, body, fields })
  }

  /** What went wrong, as a client is told it. */
  told(error: unknown, requestId: string): ToldProblem {
    const known = toAppError(error)
    if (known.code === 'internal') {
      this.#logger.error({ requestId, err: known.cause ?? known }, 'unexpected error')
    }
    const kind = problemOf(known.code)
    const body = renderProblem(kind, known.message, requestId, known.violations)
    return { status: kind.status, body, retryAfterSeconds: this.#retryAfterSeconds(known) }
  }

  /** The answer to a submission for which its client's share is used up; its body was not read. */
  refuseAhead(request: FastifyRequest, reply: FastifyReply, error: AppError): void {
    this.#whenDue(request, false, () => this.fail(request, reply, error))
  }

  /** The answer to a request that is not let in. */
  refuse(
    request: FastifyRequest,
    reply: FastifyReply,
    refusal: Refusal,
    fields: readonly string[] = NONE,
  ): void {
    const { kind, detail } = refusal
    this.#whenDue(request, refusal.isDear, () => {
      const body = renderProblem(kind, detail, request.id)
      this.send(request, reply, { status: kind.status, type: PROBLEM_CONTENT_TYPE, body, fields })
    })
  }

  /** A client that is refused all the time hears of it late, and is not listened to meanwhile. */
  #whenDue(request: FastifyRequest, isDear: boolean | undefined, answer: () => void): void {
    const { raw, client, connection } = request
    const delayMs = this.#admission.refusalDelayMs(client || peerOf(raw.socket), isDear)
    if (delayMs > 0 && !raw.complete) {
      connection.ending = true
      hold(raw.socket)
      readAway(raw)
    }
    after(delayMs, answer)
  }

  /** The answer to bytes that no request could be read from, and the end of their connection. */
  refuseConnection(socket: Socket, { kind, detail }: Refusal, method?: string, allow?: string): void {
    const requestId = requestIdFrom(undefined)
    const body = renderProblem(kind, detail, requestId)
    const head = [
      `HTTP/1.1 ${kind.status} ${STATUS_CODES[kind.status]}`,
      `Date: ${new Date().toUTCString()}`,
      `Content-Type: ${PROBLEM_CONTENT_TYPE}`,
      `Content-Length: ${Buffer.byteLength(body)}`,
      `X-Request-Id: ${requestId}`,
      NOSNIFF.join(': '),
      ...(allow === undefined ? NONE : [`Allow: ${allow}`]),
      'Connection: close',
    ]
    const answer = (): void => {
      socket.write(`${head.join('\r\n')}\r\n\r\n${body}`)
      closeAfterReading(socket)
      this.#metrics.answered(method, UNMATCHED, kind.status, 0)
    }
    const delayMs = this.#admission.refusalDelayMs(peerOf(socket))
    if (delayMs > 0) hold(socket)
    after(delayMs, answer)
  }

  #retryAfterSeconds({ code, retryAfterMs = this.#retryAfterMs }: AppError): number | undefined {
    const { status } = problemOf(code)
    if (status === recordProblems.rate_limited.status) return wholeSeconds(retryAfterMs)
    if (status === recordProblems.unavailable.status) return wholeSeconds(withJitter(retryAfterMs))
    return undefined
  }

  #note(request: FastifyRequest, status: number): void {
    const { id: requestId, raw, route, startedMs } = request
    const elapsedMs = monotonicMs() - startedMs
    this.#metrics.answered(raw.method, route?.label ?? UNMATCHED, status, elapsedMs / 1000)
    if (this.#logger.isLevelEnabled('debug')) {
      this.#logger.debug({ requestId, route: route?.label, status, elapsedMs }, 'answered')
    }
  }
}

/** The header fields that the answer to a request has beside those of its body. */
function pushFields(headers: string[], { id, route, trace }: FastifyRequest, fields = NONE): void {
  headers.push('X-Request-Id', id, ...NOSNIFF)
  if (route?.fields) headers.push(...route.fields())
  headers.push(...fields)
  const traceresponse = trace?.traceresponse
  if (traceresponse) headers.push('traceresponse', traceresponse)
}

function wholeSeconds(waitMs: number): number {
  return Math.max(1, Math.ceil(waitMs / 1000))
}

function after(delayMs: number, act: () => void): void {
  if (delayMs === 0) act()
  else setTimeout(act, delayMs)
}

/** What counts as one client where nobody speaks for another. */
function peerOf(socket: Socket): string {
  return clientKey(socket.remoteAddress ?? '')
}

/** Whether more of a body may come than is worth reading away for the sake of the connection. */
function mayGoOn({ headers }: IncomingMessage, ending: boolean): boolean {
  if (ending || headers['transfer-encoding'] !== undefined) return true
  return Number(headers['content-length']) > UNREAD_BYTES_MAX
}

function endConnection(request: IncomingMessage, response: ServerResponse, body: string | Buffer): void {
  const { socket } = response
  if (!socket) {
    // An earlier answer of this connection is still due; Node sends this one after it and then closes.
    response.end(body)
    return
  }
  if (request.method === 'HEAD') response.flushHeaders()
  else response.write(body)
  closeAfterReading(socket)
  readAway(request)
}
