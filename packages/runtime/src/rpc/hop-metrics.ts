import { toAppError } from '../errors.js'
import { Counter, Gauge, Histogram, LATENCY_BUCKETS_SECONDS, type Registry } from '../metrics.js'
import type { Interceptor, MethodEnd } from './interceptors.js'

const ITEM_BUCKETS = [1, 2, 4, 8, 16, 32, 64, 128, 256]
const METHOD_LABELS = ['service', 'method'] as const

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
  const queues: { readonly method: MethodEnd; readonly queuedItems: () => number }[] = []
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
  const batchItems = new Histogram({
    ...{ ...common, buckets: ITEM_BUCKETS, name: 'rpc_client_batch_items' },
    help: 'Items in a batch.',
  })
  new Gauge({
    ...{ ...common, name: 'rpc_client_queue_items' },
    help: 'Items that wait for a place in a batch.',
    collect() {
      this.reset()
      for (const { method, queuedItems } of queues) {
        this.inc({ service: method.service, method: method.method }, queuedItems())
      }
    },
  })

  return (end) => {
    const labels = { service: end.service, method: end.method }
    const of = end.end === 'client' ? client : server
    const duration = of.duration.labels(labels)
    const items = end.end === 'client' && end.kind === 'batch' ? batchItems.labels(labels) : undefined
    if (end.queuedItems) queues.push({ method: end, queuedItems: end.queuedItems })
    return ({ size, beganMs }) => {
      if (beganMs !== undefined) items?.observe(size)
      return ({ endedMs, errors }) => {
        if (beganMs !== undefined) duration.observe((endedMs - beganMs) / 1_000)
        for (const error of errors) of.errors.inc({ ...labels, code: toAppError(error).code })
      }
    }
  }
}
