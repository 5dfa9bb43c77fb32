import { hash, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parseAddress } from './env.js'
import type { Registry } from './metrics.js'

/** Who may read /metrics; nobody is asked where it is undefined. */
export interface BasicAuth {
  readonly user: string
  readonly password: string
}

export type DependencyState = 'up' | 'down' | 'filling' | 'full' | 'draining' | 'retired' | 'unknown'

export interface Dependency {
  readonly state: DependencyState
  /** A sentence for the person who looks; absent when all is well. */
  readonly detail?: string
}

/** What /ready answers: not_ready is a 503, the others are 200. */
export interface ReadyReport {
  readonly status: 'ready' | 'degraded' | 'not_ready'
  readonly detail?: string
  readonly dependencies: Readonly<Record<string, Dependency>>
}

/** The report with one more sentence for the person who looks. */
export function withDetail(report: ReadyReport, sentence: string): ReadyReport {
  const detail = report.detail === undefined ? sentence : `${report.detail}; ${sentence}`
  return { ...report, detail }
}

export interface OpsServer {
  readonly port: number
  close(): Promise<void>
}

/** Serves /metrics, /health and /ready in plain HTTP: what a scraper, a kubelet and a person ask for. */
export async function startOpsServer(
  address: string,
  options: {
    readonly registry: Registry
    readonly auth: BasicAuth | undefined
    readonly ready: () => ReadyReport | Promise<ReadyReport>
  },
): Promise<OpsServer> {
  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = request.url?.split('?', 1)[0]
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405, { Allow: 'GET, HEAD' }).end()
    } else if (path === '/health') {
      response.writeHead(200, { 'Content-Type': 'text/plain; charset=utf-8' }).end('OK')
    } else if (path === '/ready') {
      const report = await options.ready()
      const status = report.status === 'not_ready' ? 503 : 200
      response.writeHead(status, { 'Content-Type': 'application/json' }).end(`${JSON.stringify(report)}\n`)
    } else if (path === '/metrics') {
      if (!mayReadMetrics(options.auth, request.headers.authorization)) {
        response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="metrics"' }).end()
        return
      }
      const text = await options.registry.metrics()
      response.writeHead(200, { 'Content-Type': options.registry.contentType }).end(text)
    } else {
      response
        .writeHead(404, { 'Content-Type': 'text/plain; charset=utf-8' })
        .end('/metrics, /health or /ready\n')
    }
  }
  const server = createServer({ requestTimeout: 5_000, headersTimeout: 3_000 }, (request, response) => {
    respond(request, response).catch(() => response.destroy())
  })
  server.maxConnections = 64
  await listen(server, address)
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** Compares digests, so that neither length nor a common prefix shows in the time it takes. */
export function mayReadMetrics(auth: BasicAuth | undefined, authorization: string | undefined): boolean {
  if (!auth) return true
  const expected = `Basic ${Buffer.from(`${auth.user}:${auth.password}`).toString('base64')}`
  return timingSafeEqual(hash('sha256', expected, 'buffer'), hash('sha256', authorization ?? '', 'buffer'))
}

function listen(server: Server, address: string): Promise<void> {
  const { host, port } = parseAddress(address) ?? { host: '127.0.0.1', port: 0 }
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
}
