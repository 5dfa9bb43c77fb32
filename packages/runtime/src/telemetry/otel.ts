import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import {
  type HrTime,
  type Link,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  type SpanStatus,
  SpanStatusCode,
  TraceFlags,
  trace,
} from '@opentelemetry/api'
import { defaultResource, type Resource, resourceFromAttributes } from '@opentelemetry/resources'
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  type ReadableSpan,
  type Sampler,
  SamplingDecision,
  type SpanExporter,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace'
import type { SamplerName, TelemetryConfig } from './config.js'
import type { SpanReference } from './reference.js'
import type { FinishedSpan } from './tracer.js'

// The one file that knows the SDK. It is loaded only where spans are wanted.

const SCOPE = { name: 'fractal-lba' }
const KINDS = { internal: SpanKind.INTERNAL, server: SpanKind.SERVER, client: SpanKind.CLIENT } as const
const UNSET: SpanStatus = { code: SpanStatusCode.UNSET }
/** The wall clock may be set; the monotonic one is not. Within this, the two are taken to agree. */
const CLOCK_DRIFT_MAX_MS = 20

export interface SpanSender {
  /** Rejects where the collector did not take them. */
  send(spans: readonly FinishedSpan[]): Promise<void>
  stop(): Promise<void>
}

/** Spans as the SDK's exporters take them, sent by OTLP. */
export async function createSender(program: string, config: TelemetryConfig): Promise<SpanSender> {
  const exporter = await createExporter(config)
  const resource = resourceOf(program, config)
  return {
    send(spans) {
      const wallMs = currentWallClock()
      const readable = spans.map((span) => new MeasuredSpan(span, resource, wallMs))
      return new Promise((resolve, reject) => {
        exporter.export(readable, ({ code, error }) =>
          code === 0 ? resolve() : reject(error ?? new Error('the collector did not take a batch')),
        )
      })
    },
    stop: () => exporter.shutdown(),
  }
}

async function createExporter(config: TelemetryConfig): Promise<SpanExporter> {
  const { protocol, url, headers, timeoutMs, compression } = config
  const { OTLPTraceExporter } =
    protocol === 'http/json'
      ? await import('@opentelemetry/exporter-trace-otlp-http')
      : await import('@opentelemetry/exporter-trace-otlp-proto')
  type Options = NonNullable<ConstructorParameters<typeof OTLPTraceExporter>[0]>
  type Compression = NonNullable<Options['compression']>
  const options = { url, headers, timeoutMillis: timeoutMs, compression: compression as Compression }
  return new OTLPTraceExporter(options)
}

function resourceOf(program: string, { resource, serviceName }: TelemetryConfig): Resource {
  const known = {
    'service.name': program,
    'service.namespace': 'fractal-lba',
    'service.instance.id': randomUUID(),
    'host.name': hostname(),
    'process.pid': process.pid,
    'process.runtime.name': 'nodejs',
    'process.runtime.version': process.versions.node,
    ...resource,
  }
  return defaultResource().merge(
    resourceFromAttributes(serviceName ? { ...known, 'service.name': serviceName } : known),
  )
}

/** A span of measured times, in the form that exporters read. */
class MeasuredSpan implements ReadableSpan {
  readonly name: string
  readonly kind: SpanKind
  readonly startTime: HrTime
  readonly endTime: HrTime
  readonly duration: HrTime
  readonly status: SpanStatus
  readonly attributes: ReadableSpan['attributes']
  readonly links: Link[]
  readonly parentSpanContext?: SpanContext
  readonly resource: Resource
  readonly events = []
  readonly ended = true
  readonly instrumentationScope = SCOPE
  readonly droppedAttributesCount = 0
  readonly droppedEventsCount = 0
  readonly droppedLinksCount = 0
  readonly #context: SpanContext

  /** @param wallMs the wall clock's time of a monotonic one */
  constructor(span: FinishedSpan, resource: Resource, wallMs: (monotonicMs: number) => number) {
    const { traceId, spanId, parent, failure } = span
    this.name = span.name
    this.kind = KINDS[span.kind]
    this.startTime = hrTimeOf(wallMs(span.startMs))
    this.endTime = hrTimeOf(wallMs(span.endMs))
    this.duration = hrTimeOf(Math.max(0, span.endMs - span.startMs))
    this.status = failure === undefined ? UNSET : { code: SpanStatusCode.ERROR, message: failure }
    this.attributes = span.attributes
    this.links = span.links.map((link) => ({ context: spanContextOf(link) }))
    this.resource = resource
    if (parent) this.parentSpanContext = spanContextOf(parent)
    this.#context = { traceId, spanId, traceFlags: TraceFlags.SAMPLED }
  }

  spanContext(): SpanContext {
    return this.#context
  }
}

function spanContextOf({ traceId, spanId, isSampled }: SpanReference): SpanContext {
  return { traceId, spanId, traceFlags: isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE, isRemote: true }
}

function hrTimeOf(ms: number): HrTime {
  const seconds = Math.floor(ms / 1_000)
  return [seconds, Math.round((ms - seconds * 1_000) * 1_000_000)]
}

/** The start of the process by the wall clock is finer than a reading of it now, which has whole milliseconds. */
function currentWallClock(): (monotonicMs: number) => number {
  const { timeOrigin } = performance
  const driftMs = Date.now() - (timeOrigin + performance.now())
  const offsetMs = Math.abs(driftMs) > CLOCK_DRIFT_MAX_MS ? timeOrigin + driftMs : timeOrigin
  return (monotonicMs) => offsetMs + monotonicMs
}

/** The head's decision: whether a trace that begins here, or goes on here, is recorded. */
export function createHead({
  sampler,
  ratio,
}: TelemetryConfig): (traceId: string, parent: SpanReference | undefined) => boolean {
  const chosen = createSampler(sampler, ratio)
  return (traceId, parent) => {
    const context = parent ? trace.setSpanContext(ROOT_CONTEXT, spanContextOf(parent)) : ROOT_CONTEXT
    const { decision } = chosen.shouldSample(context, traceId, '', SpanKind.SERVER, {}, [])
    return decision === SamplingDecision.RECORD_AND_SAMPLED
  }
}

function createSampler(name: SamplerName, ratio: number): Sampler {
  switch (name) {
    case 'always_on':
      return new AlwaysOnSampler()
    case 'always_off':
      return new AlwaysOffSampler()
    case 'traceidratio':
      return new TraceIdRatioBasedSampler(ratio)
    case 'parentbased_always_on':
      return new ParentBasedSampler({ root: new AlwaysOnSampler() })
    case 'parentbased_always_off':
      return new ParentBasedSampler({ root: new AlwaysOffSampler() })
    case 'parentbased_traceidratio':
      return new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) })
  }
}
