import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { Socket } from 'node:net'
import { recordProblems } from '@fractal-lba/http-api'
import { followTls, type ServerTls, tlsOptions } from '@fractal-lba/runtime'
import type { Refusal } from './admission.js'
import type { Answers } from './answers.js'
import { answerConnectionError } from './connection-errors.js'
import type { HttpMetrics } from './metrics.js'

/** What a client may take up; each is a limit, none is a target. */
export interface HttpLimits {
  readonly bodyBytesMax: number
  /** From the first byte of a request, or the connection, to the end of its headers. */
  readonly headersTimeoutMs: number
  /** From the end of the headers to the last byte of a body. */
  readonly bodyTimeoutMs: number
  readonly batch: BatchLimits
  /** What a 503 says in Retry-After, before its jitter. */
  readonly retryAfterMs: number
  readonly connectionsMax: number
  /** How long a close waits for what is under way before it cuts it. */
  readonly closeTimeoutMs: number
}

/** What batches may take up beside what single records may. */
export interface BatchLimits {
  /** As `bodyTimeoutMs`, of a batch. */
  readonly bodyTimeoutMs: number
  /** Of all batches together, from their first byte to their last answer. */
  readonly bytesInFlightMax: number
}

const HEADER_BYTES_MAX = 16 * 2 ** 10

export const HEADERS_MAX = 100

/** How often Node looks for requests that take too long. */
const CHECK_INTERVAL_MS = 1_000

/** Longer than the 60 s after which the usual load balancers let go, so that it is they who close. */
const KEEP_ALIVE_MS = 65_000

/** Nothing moves on a connection in the middle of a request, or of an answer that is not taken. */
const SILENCE_MS = 30_000

const NO_PROXY: Refusal = {
  kind: recordProblems.method_not_allowed,
  detail: 'this is no proxy: there is nothing that CONNECT could reach',
}

/**
 * Node's HTTP server with all its limits set, answering in the contract's form what Node itself would answer in
 * its own.
 */
export function createNodeServer(
  onRequest: RequestListener,
  limits: HttpLimits,
  answers: Answers,
  metrics: HttpMetrics,
  tls?: ServerTls,
): Server {
  const longestBodyMs = Math.max(limits.bodyTimeoutMs, limits.batch.bodyTimeoutMs)
  const server = listenerOf(
    {
      headersTimeout: limits.headersTimeoutMs,
      // For what no route reads; each body that is read has a limit of its own.
      requestTimeout: limits.headersTimeoutMs + longestBodyMs + CHECK_INTERVAL_MS,
      connectionsCheckingInterval: Math.min(CHECK_INTERVAL_MS, limits.headersTimeoutMs),
      keepAliveTimeout: KEEP_ALIVE_MS,
      maxHeaderSize: HEADER_BYTES_MAX,
      // Answered by us, as a problem.
      requireHostHeader: false,
      noDelay: true,
    },
    onRequest,
    tls,
  )
  server.setTimeout(Math.max(SILENCE_MS, longestBodyMs + CHECK_INTERVAL_MS))
  server.maxConnections = limits.connectionsMax
  // Node drops the rest without a word: one more than may be shows that there are too many.
  server.maxHeadersCount = HEADERS_MAX + 1
  server.on('clientError', (error, socket) => {
    if (socket instanceof Socket) answerConnectionError(error, socket, answers)
    else socket.destroy()
  })
  // With a listener, Node leaves it to us to say "100 Continue", which a refused body never gets to hear.
  server.on('checkContinue', onRequest)
  server.on('checkExpectation', onRequest)
  server.on('connect', (request, socket) => {
    // Node has let go of the connection: its errors are ours to hear.
    socket.on('error', () => socket.destroy())
    if (socket instanceof Socket) answers.refuseConnection(socket.resume(), NO_PROXY, request.method, '')
    else socket.destroy()
  })
  server.on('drop', () => metrics.connectionDropped())
  return server
}

function listenerOf(options: ServerOptions, onRequest: RequestListener, tls: ServerTls | undefined): Server {
  if (!tls) return createServer(options, onRequest)
  const server = createHttpsServer({ ...options, ...tlsOptions(tls), ALPNProtocols: ['http/1.1'] }, onRequest)
  followTls(server, tls)
  return server
}
