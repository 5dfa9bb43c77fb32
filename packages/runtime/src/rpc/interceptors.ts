import { monotonicMs } from '@fractal-lba/clock'
import type { Attributes } from '../telemetry/tracer.js'
import type { CallContext } from './call-context.js'
import type { MethodName } from './method.js'

/** A method at one of its two ends. */
export interface MethodEnd extends MethodName {
  readonly end: 'client' | 'server'
  /** What takes the method's calls: one request each, or a batch of items. */
  readonly kind: 'unary' | 'stream' | 'batch'
  /** How many items wait for a place in a batch now; only at the client's end of batches. */
  readonly queuedItems?: () => number
  /** What a trace is to say of an item's answer; only at the client's end of batches. */
  readonly describe?: ((answer: unknown) => Attributes) | undefined
}

/** A unary call, a stream, or one batch of items. Times are on the monotonic clock. */
export interface Call {
  /** Items of a batch; 1 for the others. */
  readonly size: number
  /** When it was handed to the transport, or came from it. Undefined: it never got so far. */
  readonly beganMs: number | undefined
  /** Those of its items that have a trace context; the call itself where it is no batch. */
  readonly traced: readonly TracedItem[]
}

export interface TracedItem {
  /** When its caller asked for it; at the server, when it came. */
  readonly askedMs: number
  /** What an interceptor puts here travels on, and is what the handler sees. */
  context: CallContext | undefined
  /** What its caller got, once that is known; an answer only at the client's end of batches. */
  readonly error: unknown
  readonly answer?: unknown
}

export interface CallEnd {
  readonly endedMs: number
  /** What failed: items of a batch at the client's end; at the server's end the call as a whole. */
  readonly errors: readonly unknown[]
}

/**
 * What is done around each call of a method, at either end: asked once for each method, then told of each call as it
 * begins, and what that returns is told of its end. Both run on the way of every record: they neither wait nor throw.
 */
export type Interceptor = (method: MethodEnd) => (call: Call) => ((end: CallEnd) => void) | undefined

/** What several interceptors do around a call, or undefined when there are none. */
export type Around = (call: Call) => (end: CallEnd) => void

/** The first interceptor is the outermost. */
export function around(interceptors: readonly Interceptor[], method: MethodEnd): Around | undefined {
  const begins = interceptors.map((interceptor) => interceptor(method))
  if (begins.length === 0) return undefined
  return (call) => {
    const ends = begins.map((begin) => begin(call)).reverse()
    return (end) => {
      for (const each of ends) each?.(end)
    }
  }
}

/** Begins a call that is no batch; the context that comes back is the one that travels on. */
export function beginCall(
  around_: Around | undefined,
  context: CallContext | undefined,
  beganMs: number | undefined = monotonicMs(),
): { readonly context: CallContext | undefined; readonly end: ((end: CallEnd) => void) | undefined } {
  if (!around_) return { context, end: undefined }
  const [item] = context
    ? [{ askedMs: monotonicMs(), context: context as CallContext | undefined, error: undefined }]
    : []
  const end = around_({ size: 1, beganMs, traced: item ? [item] : [] })
  return { context: item?.context, end }
}
