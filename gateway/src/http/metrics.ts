import { Counter, Histogram, LATENCY_BUCKETS_SECONDS, type Registry } from '@fractal-lba/runtime'

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT'])

/** The route of what no route serves. */
export const UNMATCHED = 'unmatched'

/** The contract's section 8. Labels come from short fixed lists only: no client can add a series. */
export class HttpMetrics {
  readonly #requests: Counter<'method' | 'route' | 'code'>
  readonly #durations: Histogram<'method' | 'route'>
  readonly #dropped: Counter

  constructor(registry: Registry) {
    const registers = [registry]
    this.#requests = new Counter({
      name: 'http_requests_total',
      help: 'HTTP requests that were answered, those that could not be read as HTTP too.',
      labelNames: ['method', 'route', 'code'],
      registers,
    })
    this.#durations = new Histogram({
      name: 'http_request_duration_seconds',
      help: 'From the end of the headers to the answer.',
      labelNames: ['method', 'route'],
      buckets: LATENCY_BUCKETS_SECONDS,
      registers,
    })
    this.#dropped = new Counter({
      name: 'http_connections_dropped_total',
      help: 'Connections closed at once because as many as may be were open.',
      registers,
    })
  }

  /** @param method undefined where the request could not be read */
  answered(method: string | undefined, route: string, status: number, seconds: number): void {
    const known = method !== undefined && METHODS.has(method) ? method : 'other'
    this.#requests.inc({ method: known, route, code: status })
    this.#durations.observe({ method: known, route }, seconds)
  }

  connectionDropped(): void {
    this.#dropped.inc()
  }
}
