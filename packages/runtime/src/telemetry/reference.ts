import { randomFillSync } from 'node:crypto'
import type { CallContext } from '../rpc/call-context.js'

/** A span, as others refer to it: W3C Trace Context. */
export interface SpanReference {
  /** 32 lower-case hex digits. */
  readonly traceId: string
  /** 16 lower-case hex digits. */
  readonly spanId: string
  readonly isSampled: boolean
  readonly tracestate: string
}

const LENGTH = '00-'.length + 32 + '-'.length + 16 + '-00'.length

/** The span that a context names; undefined where it names none. */
export function referenceOf(context: CallContext | undefined): SpanReference | undefined {
  if (context === undefined || context.traceparent.length < LENGTH) return undefined
  const { traceparent, tracestate } = context
  return {
    traceId: traceparent.slice(3, 35),
    spanId: traceparent.slice(36, 52),
    isSampled: (Number.parseInt(traceparent.slice(53, 55), 16) & 1) === 1,
    tracestate,
  }
}

/** The header traceparent, and traceresponse too. */
export function traceparentOf(traceId: string, spanId: string, isSampled: boolean): string {
  return `00-${traceId}-${spanId}-${isSampled ? '01' : '00'}`
}

const TRACE_ID_BYTES = 16
const SPAN_ID_BYTES = 8
/** Random bytes are dear by the call and cheap by the byte. */
const pool = Buffer.alloc(8_192)
let used = pool.length

export function newTraceId(): string {
  return randomHex(TRACE_ID_BYTES)
}

export function newSpanId(): string {
  return randomHex(SPAN_ID_BYTES)
}

function randomHex(bytes: number): string {
  if (used + bytes > pool.length) {
    randomFillSync(pool)
    used = 0
  }
  used += bytes
  return pool.toString('hex', used - bytes, used)
}
