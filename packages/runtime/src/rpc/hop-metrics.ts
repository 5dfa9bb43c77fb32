import { toAppError } from '../errors.js'
import { Counter, Gauge, Histogram, LATENCY_BUCKETS_SECONDS, type Registry } from '../metrics.js'
import type { Interceptor, MethodEnd } from './interceptors.js'

const ITEM_BUCKETS = [1, 2, 4, 8, 16, 32, 64, 128, 256]
/** Named so that they stand apart from the label `service` that a scrape gives to all of a process's series. */
const METHOD_LABELS = ['rpc_service', 'rpc_method'] as const

/** One method at one of its ends, and what is under way there. */
interface MethodUse {
  readonly end: MethodEnd
  readonly labels: { readonly rpc_service: string; readonly rpc_method: string }
  inFlight: number
}

const known = new WeakMap<Registry, Interceptor>()

/** Measures every hop into a registry, at both ends. */
export function hopMetrics(registry: Registry): Interceptor {
  const existing = known.get(registry)
  if (existing) return existing
  const created = createHopMetrics(registry)
  known.set(registry, created)
  return created
}

function createHopMetrics(registry: Registry): Interceptor {
  const registers = [registry]
  const common = { registers, labelNames: METHOD_LABELS }
  const errorsBy = { registers, labelNames: [...METHOD_LABELS, 'code'] as const }
  const buckets = LATENCY_BUCKETS_SECONDS
  const methods: MethodUse[] = []
  const client = {
    duration: new Histogram({
      ...{ ...common, buckets, name: 'rpc_client_duration_seconds' },
      help: 'From the sending of a call, a batch or a stream to its end.',
    }),
    errors: new Counter({
      ...{ ...errorsBy, name: 'rpc_client_errors_total' },
      help: 'Calls and items of batches that failed, by the code that their caller got.',
    }),
  }
  const server = {
    duration: new Histogram({
      ...{ ...common, buckets, name: 'rpc_server_duration_seconds' },
      help: 'From the coming of a call, a batch or a stream to its end.',
    }),
    errors: new Counter({
      ...{ ...errorsBy, name: 'rpc_server_errors_total' },
      help: 'Calls, batches and streams that failed as a whole, by code.',
    }),
  }
  const batchItems = {
    client: new Histogram({
      ...{ ...common, buckets: ITEM_BUCKETS, name: 'rpc_client_batch_items' },
      help: 'Items in a batch that was sent.',
    }),
    server: new Histogram({
      ...{ ...common, buckets: ITEM_BUCKETS, name: 'rpc_server_batch_items' },
      help: 'Items in a batch that came.',
    }),
  }
  const gauge = (name: string, help: string, read: (use: MethodUse) => number | undefined): void => {
    new Gauge({
      ...{ ...common, name, help },
      collect() {
        this.reset()
        for (const use of methods) {
          const value = read(use)
          if (value !== undefined) this.inc(use.labels, value)
        }
      },
    })
  }
  gauge('rpc_client_queue_items', 'Items that wait for a place in a batch.', ({ end }) => end.queuedItems?.())
  gauge(
    'rpc_client_calls_in_flight',
    'Calls, batches and streams that were sent and have not ended.',
    ({ end, inFlight }) => (end.end === 'client' ? inFlight : undefined),
  )
  gauge(
    'rpc_server_calls_in_flight',
    'Calls, batches and streams that have come and have not ended.',
    ({ end, inFlight }) => (end.end === 'server' ? inFlight : undefined),
  )

  return (end) => {
    const labels = { rpc_service: end.service, rpc_method: end.method }
    const of = end.end === 'client' ? client : server
    const duration = of.duration.labels(labels)
    const items = end.kind === 'batch' ? batchItems[end.end].labels(labels) : undefined
    const use: MethodUse = { end, labels, inFlight: 0 }
    methods.push(use)
    return ({ size, beganMs }) => {
      if (beganMs !== undefined) {
        items?.observe(size)
        use.inFlight += 1
      }
      return ({ endedMs, errors }) => {
        if (beganMs !== undefined) {
          duration.observe((endedMs - beganMs) / 1_000)
          use.inFlight -= 1
        }
        for (const error of errors) of.errors.inc({ ...labels, code: toAppError(error).code })
      }
    }
  }
}
