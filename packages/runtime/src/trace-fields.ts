import type { CallContext } from './rpc/call-context.js'

/** The trace of a log line, under the names of OpenTelemetry. */
export interface TraceFields {
  readonly trace_id?: string
  readonly span_id?: string
}

const NONE: TraceFields = {}

/** @param context in the form of W3C Trace Context; what has no trace adds no fields */
export function traceFields(context: CallContext | undefined): TraceFields {
  if (!context?.traceparent) return NONE
  const [, traceId, spanId] = context.traceparent.split('-', 3)
  return traceId === undefined || spanId === undefined ? NONE : { trace_id: traceId, span_id: spanId }
}
