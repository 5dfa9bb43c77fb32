import { Trace } from './collector.js'
import type { ReceivedSpan } from './otlp.js'
import { until } from './until.js'

interface JaegerTrace {
  readonly spans: readonly {
    readonly traceID: string
    readonly spanID: string
    readonly operationName: string
    readonly references: readonly {
      readonly refType: 'CHILD_OF' | 'FOLLOWS_FROM'
      readonly traceID: string
      readonly spanID: string
    }[]
    /** Microseconds. */
    readonly startTime: number
    readonly duration: number
    readonly tags: readonly { readonly key: string; readonly value: unknown }[]
    readonly processID: string
  }[]
  readonly processes: Readonly<Record<string, { readonly serviceName: string }>>
}

const LIMIT_MS = 30_000
const KINDS = ['internal', 'server', 'client'] as const

/** What a real Jaeger shows of traces, by its API. */
export class JaegerTraces {
  constructor(readonly queryUrl: string) {}

  /** The trace as soon as it has so many spans. */
  async traceOf(traceId: string, spans: number): Promise<Trace> {
    return until(`Jaeger has ${spans} spans of ${traceId}`, LIMIT_MS, async () => {
      const [trace] = await this.#ask(`/api/traces/${traceId}`)
      return trace !== undefined && trace.spans.length >= spans && trace
    })
  }

  /** The traces with a span of this name and with this tag. */
  find(
    service: string,
    operation: string,
    tags: Readonly<Record<string, string>>,
  ): Promise<readonly Trace[]> {
    const query = new URLSearchParams({ service, operation, tags: JSON.stringify(tags), limit: '1000' })
    return this.#ask(`/api/traces?${query}`)
  }

  async #ask(path: string): Promise<readonly Trace[]> {
    const answer = await fetch(this.queryUrl + path)
    if (answer.status === 404) return []
    if (!answer.ok) throw new Error(`Jaeger answered ${path} with ${answer.status}`)
    const { data } = (await answer.json()) as { readonly data: readonly JaegerTrace[] | null }
    return (data ?? []).map((trace) => new Trace(spansOf(trace)))
  }
}

function spansOf({ spans, processes }: JaegerTrace): readonly ReceivedSpan[] {
  return spans.map(({ references, tags, startTime, duration, ...span }) => {
    const attributes = Object.fromEntries(tags.map(({ key, value }) => [key, value]))
    const parent = references.find(
      ({ refType, traceID }) => refType === 'CHILD_OF' && traceID === span.traceID,
    )
    return {
      service: processes[span.processID]?.serviceName ?? '',
      traceId: span.traceID,
      spanId: span.spanID,
      parentSpanId: parent?.spanID ?? '',
      name: span.operationName,
      kind: KINDS.find((kind) => kind === attributes['span.kind']) ?? 'other',
      startMs: startTime / 1_000,
      endMs: (startTime + duration) / 1_000,
      attributes,
      links: references
        .filter(({ refType }) => refType === 'FOLLOWS_FROM')
        .map(({ traceID, spanID }) => ({ traceId: traceID, spanId: spanID })),
      isError: attributes.error === true,
    }
  })
}
