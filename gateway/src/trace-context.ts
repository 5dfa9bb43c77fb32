import type { CallContext } from '@fractal-lba/runtime'

/** W3C Trace Context, version 00; later versions begin the same way. */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/
/** Members of tracestate are printable ASCII; a longer text than W3C asks to carry is dropped. */
const TRACESTATE = /^[\x20-\x7e]{0,512}$/

/** The trace that a request names; undefined where it names none, or not in the form of W3C. */
export function traceContextOf(traceparent: unknown, tracestate: unknown): CallContext | undefined {
  if (typeof traceparent !== 'string' || !TRACEPARENT.test(traceparent)) return undefined
  const known = typeof tracestate === 'string' && TRACESTATE.test(tracestate)
  return { traceparent, tracestate: known ? tracestate : '' }
}

const SAMPLED = 1

/** The trace of a context whose trace is recorded; undefined for all others. */
export function sampledTraceId(context: CallContext | undefined): string | undefined {
  if (context === undefined || context.traceparent === '') return undefined
  const [, traceId, , flags = ''] = context.traceparent.split('-', 4)
  return (Number.parseInt(flags, 16) & SAMPLED) === SAMPLED ? traceId : undefined
}
