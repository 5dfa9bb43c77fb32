import { type Tracer, Work } from '@fractal-lba/runtime/work'
import type { Deliverer } from '../delivery/index.js'
import type { Exchange, TraceHeaders } from '../exchange.js'

/** A delivery with a span of its own, which is the root of the record's trace; each attempt has one. */
export function tracedDelivery(
  deliver: Deliverer['deliver'],
  endpoint: URL,
  tracer: Tracer | undefined,
): Deliverer['deliver'] {
  if (!tracer) return deliver
  const attributes = {
    'http.request.method': 'POST',
    'server.address': endpoint.hostname,
    ...(endpoint.port && { 'server.port': Number(endpoint.port) }),
  }
  return async (record, signal) => {
    const work = new Work(tracer, {
      name: 'pcs.deliver',
      kind: 'client',
      startMs: performance.now(),
      attributes,
    })
    try {
      const answer = await deliver(record, signal, headersOf(work))
      endWith(work, answer)
      return answer
    } catch (error) {
      const failure = error instanceof Error ? error.message : String(error)
      const isNotable = !signal.aborted
      work.end({ endMs: performance.now(), attributes: () => ({}), failure, isNotable })
      throw error
    }
  }
}

function headersOf({ traceparent }: Work): TraceHeaders | undefined {
  return traceparent === '' ? undefined : { traceparent }
}

function endWith(work: Work, { status }: Exchange): void {
  work.end({
    endMs: performance.now(),
    attributes: () => ({ 'http.response.status_code': status }),
    failure: status >= 500 ? `the gateway answered ${status}` : undefined,
    isNotable: false,
  })
}
