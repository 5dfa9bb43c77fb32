import { type Tracer, Work } from '@fractal-lba/runtime/work'
import type { Exchange, TraceHeaders } from '../exchange.js'

type Deliver<Sent> = (sent: Sent, signal: AbortSignal, trace?: TraceHeaders) => Promise<Exchange>

/**
 * A delivery with a span of its own; each attempt has one. That of a record is the root of its trace; that of a batch of
 * records is linked to by theirs.
 */
export function tracedDelivery<Sent extends Uint8Array | readonly Uint8Array[]>(
  deliver: Deliver<Sent>,
  endpoint: URL,
  tracer: Tracer | undefined,
): Deliver<Sent> {
  if (!tracer) return deliver
  const attributes = {
    'http.request.method': 'POST',
    'server.address': endpoint.hostname,
    ...(endpoint.port && { 'server.port': Number(endpoint.port) }),
  }
  return async (sent, signal) => {
    const isBatch = !(sent instanceof Uint8Array)
    const work = new Work(tracer, {
      name: isBatch ? 'pcs.deliver_batch' : 'pcs.deliver',
      kind: 'client',
      startMs: performance.now(),
      attributes: isBatch ? { ...attributes, 'messaging.batch.message_count': sent.length } : attributes,
    })
    try {
      const answer = await deliver(sent, signal, headersOf(work))
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
