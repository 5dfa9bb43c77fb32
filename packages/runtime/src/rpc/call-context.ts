import { monotonicMs } from '@fractal-lba/clock'
import { Metadata } from '@grpc/grpc-js'
import type { Attributes } from '../telemetry/tracer.js'

/** W3C trace context of the work that a call is a part of; both are empty where there is none. */
export interface CallContext {
  readonly traceparent: string
  readonly tracestate: string
  /** Takes what is to be told of the work in its trace; undefined where nobody records it. */
  note?(attributes: Attributes): void
}

export const NO_CONTEXT: CallContext = { traceparent: '', tracestate: '' }

/** What a caller may say about a call. */
export interface CallOptions<Answer = unknown> {
  /** Monotonic: where the whole that this call is a part of ends. */
  readonly deadlineMs?: number | undefined
  readonly context?: CallContext | undefined
  /** Of batches: called with an answer that came after the call had failed for want of time. */
  readonly onLate?: ((answer: Answer) => void) | undefined
  /**
   * Of batches: it is sent once, when nothing else of its operation is in flight from here, and nothing else is until
   * its end. So a service that ends meanwhile has most likely ended because of it.
   */
  readonly alone?: boolean | undefined
  /** Of batches: for whom it is. Where several clients wait, each gets as many bytes of a batch as the others. */
  readonly client?: string | undefined
}

/** Where a hop ends: after its own time, or earlier with the whole. Monotonic milliseconds. */
export function hopDeadlineMs(timeoutMs: number, deadlineMs: number | undefined): number {
  const ownMs = monotonicMs() + timeoutMs
  return deadlineMs !== undefined && deadlineMs < ownMs ? deadlineMs : ownMs
}

/** The wall clock's time of a monotonic deadline, as grpc-js wants it. */
export function wallDeadlineMs(deadlineMs: number): number {
  return Number.isFinite(deadlineMs) ? Date.now() + Math.max(0, deadlineMs - monotonicMs()) : deadlineMs
}

export function toMetadata(context: CallContext | undefined): Metadata {
  const metadata = new Metadata()
  if (context?.traceparent) {
    metadata.set('traceparent', context.traceparent)
    if (context.tracestate) metadata.set('tracestate', context.tracestate)
  }
  return metadata
}

export function fromMetadata(metadata: Metadata): CallContext | undefined {
  const traceparent = text(metadata, 'traceparent')
  return traceparent === '' ? undefined : { traceparent, tracestate: text(metadata, 'tracestate') }
}

function text(metadata: Metadata, key: string): string {
  const [value] = metadata.get(key)
  return typeof value === 'string' ? value : ''
}
