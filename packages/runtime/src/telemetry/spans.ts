import type { CallContext } from '../rpc/call-context.js'
import type { Call, CallEnd, Interceptor, MethodEnd } from '../rpc/interceptors.js'
import { newSpanId, newTraceId, referenceOf, type SpanReference, traceparentOf } from './reference.js'
import { type Attributes, LINKS_MAX, type Tracer } from './tracer.js'
import { failureOf, Work } from './work.js'

// On the way of every record, sampled or not: objects are written out here, because spreads cost ten times as much.

/**
 * Makes the spans of calls and of items of batches, at both ends, each in the trace of its own item and from the times
 * that the seam has measured. A batch has a span of its own, which links to the items in it that are sampled. Streams
 * have none: those here end with the process.
 */
export function spans(tracer: Tracer): Interceptor {
  return (method) => {
    if (method.kind === 'stream') return () => undefined
    return method.end === 'client' ? clientSpans(tracer, method) : serverSpans(tracer, method)
  }
}

const NO_LINKS: readonly SpanReference[] = []

/** wal.append, of flk.wal.v1.WalService/AppendBatches. */
function nameOf({ service, method }: MethodEnd): string {
  const verb = method.replace(/Batches$/, '')
  return `${service.split('.')[1]}.${verb.charAt(0).toLowerCase()}${verb.slice(1)}`
}

/** Semantic conventions of RPC. */
function attributesOf({ service, method }: MethodEnd): Attributes {
  return { 'rpc.system.name': 'grpc', 'rpc.method': `${service}/${method}` }
}

/** What a call sends along for a sampled item: its own span, as the parent of the server's. */
class SentContext implements CallContext {
  readonly traceparent: string
  readonly tracestate: string
  readonly work: Work
  readonly spanId = newSpanId()

  constructor(work: Work) {
    this.work = work
    this.traceparent = traceparentOf(work.traceId, this.spanId, true)
    this.tracestate = work.tracestate
  }

  get reference(): SpanReference {
    const { work, spanId, tracestate } = this
    return { traceId: work.traceId, spanId, isSampled: true, tracestate }
  }
}

function clientSpans(tracer: Tracer, method: MethodEnd): ReturnType<Interceptor> {
  const name = nameOf(method)
  const attributes = attributesOf(method)
  const { describe } = method

  return (call) => {
    if (call.traced.length === 0) return undefined
    const links: SpanReference[] = []
    for (const item of call.traced) {
      const work = workOf(item.context)
      if (!work?.isSampled) continue
      const sent = new SentContext(work)
      item.context = sent
      links.push(sent.reference)
    }
    // What never got a place in one was in no batch.
    const isBatch = method.kind === 'batch' && call.beganMs !== undefined
    const batch = isBatch && links.length > 0 ? newReference() : undefined
    const batchLinks = batch ? [batch] : NO_LINKS
    return (end) => {
      for (const { context, askedMs, error, answer } of call.traced) {
        workOf(context)?.step({
          name,
          spanId: context instanceof SentContext ? context.spanId : undefined,
          attributes,
          links: batchLinks,
          startMs: askedMs,
          endMs: end.endedMs,
          error: error ?? (call.size === 1 ? end.errors[0] : undefined),
          answer,
          describe,
        })
      }
      if (batch) recordBatch(tracer, method, batch, links, call, end)
    }
  }
}

function workOf(context: CallContext | undefined): Work | undefined {
  if (context instanceof Work) return context
  return context instanceof SentContext ? context.work : undefined
}

function newReference(): SpanReference {
  return { traceId: newTraceId(), spanId: newSpanId(), isSampled: true, tracestate: '' }
}

function recordBatch(
  tracer: Tracer,
  method: MethodEnd,
  { traceId, spanId }: SpanReference,
  links: readonly SpanReference[],
  { size, beganMs }: Call,
  { endedMs, errors }: CallEnd,
): void {
  tracer.record({
    name: `${nameOf(method)} batch`,
    kind: 'client',
    traceId,
    spanId,
    parent: undefined,
    startMs: beganMs ?? endedMs,
    endMs: endedMs,
    attributes: { ...attributesOf(method), 'messaging.batch.message_count': size },
    links: links.slice(0, LINKS_MAX),
    failure: errors.length === size ? failureOf(errors[0]) : undefined,
  })
}

/** What a handler has of a sampled item. */
class ServerSpan implements CallContext {
  readonly traceparent: string
  readonly tracestate: string
  readonly spanId = newSpanId()
  readonly parent: SpanReference
  readonly noted: Record<string, Attributes[string]> = {}

  constructor(parent: SpanReference) {
    this.parent = parent
    this.traceparent = traceparentOf(parent.traceId, this.spanId, true)
    this.tracestate = parent.tracestate
  }

  note(attributes: Attributes): void {
    Object.assign(this.noted, attributes)
  }
}

function serverSpans(tracer: Tracer, method: MethodEnd): ReturnType<Interceptor> {
  const name = nameOf(method)
  const attributes = attributesOf(method)

  return ({ traced, beganMs }) => {
    if (traced.length === 0) return undefined
    const begun: ServerSpan[] = []
    for (const item of traced) {
      const parent = referenceOf(item.context)
      if (!parent?.isSampled) continue
      const span = new ServerSpan(parent)
      item.context = span
      begun.push(span)
    }
    if (begun.length === 0) return undefined
    return ({ endedMs, errors }) => {
      const failure = failureOf(errors[0])
      for (const { parent, spanId, noted } of begun) {
        tracer.record({
          name,
          kind: 'server',
          traceId: parent.traceId,
          spanId,
          parent,
          startMs: beganMs ?? endedMs,
          endMs: endedMs,
          attributes: Object.assign(noted, attributes),
          links: NO_LINKS,
          failure: failure ?? failureNoted(noted),
        })
      }
    }
  }
}

function failureNoted({ 'error.type': type }: Attributes): string | undefined {
  return type === undefined ? undefined : String(type)
}
