import { BinaryReader, WireType } from '@bufbuild/protobuf/wire'

/** A span as a collector got it. */
export interface ReceivedSpan {
  readonly service: string
  readonly traceId: string
  readonly spanId: string
  /** Empty: it is a root. */
  readonly parentSpanId: string
  readonly name: string
  readonly kind: 'internal' | 'server' | 'client' | 'other'
  /** Both by the wall clock. */
  readonly startMs: number
  readonly endMs: number
  readonly attributes: Readonly<Record<string, unknown>>
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[]
  readonly isError: boolean
}

const KINDS = ['other', 'internal', 'server', 'client'] as const
const ERROR = 2

/** An ExportTraceServiceRequest in OTLP's JSON or protobuf. */
export function spansOf(body: Buffer, contentType: string | undefined): readonly ReceivedSpan[] {
  return contentType === 'application/json' ? spansOfJson(body) : spansOfProtobuf(body)
}

interface JsonSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly kind: number
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes: readonly JsonAttribute[]
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[]
  readonly status: { readonly code?: number }
}

interface JsonAttribute {
  readonly key: string
  readonly value: Readonly<Record<string, unknown>>
}

interface JsonRequest {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly JsonAttribute[] }
    readonly scopeSpans: readonly { readonly spans: readonly JsonSpan[] }[]
  }[]
}

function spansOfJson(body: Buffer): readonly ReceivedSpan[] {
  const { resourceSpans } = JSON.parse(body.toString()) as JsonRequest
  return resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const service = String(attributesOf(resource.attributes)['service.name'])
    const spans = scopeSpans.flatMap((scope) => scope.spans)
    return spans.map(({ parentSpanId = '', kind, attributes, status, ...span }) => ({
      ...{ service, parentSpanId, traceId: span.traceId, spanId: span.spanId, name: span.name },
      kind: KINDS[kind] ?? 'other',
      startMs: Number(span.startTimeUnixNano) / 1e6,
      endMs: Number(span.endTimeUnixNano) / 1e6,
      attributes: attributesOf(attributes),
      links: span.links.map(({ traceId, spanId }) => ({ traceId, spanId })),
      isError: status.code === ERROR,
    }))
  })
}

function attributesOf(attributes: readonly JsonAttribute[]): Record<string, unknown> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => {
      const [type, content] = Object.entries(value)[0] ?? []
      return [key, type === 'intValue' ? Number(content) : content]
    }),
  )
}

/** The fields of a message by number, in their order. */
type Fields = ReadonlyMap<number, readonly (Buffer | number)[]>

function fieldsOf(bytes: Buffer): Fields {
  const reader = new BinaryReader(bytes)
  const fields = new Map<number, (Buffer | number)[]>()
  const add = (field: number, value: Buffer | number): void => {
    fields.set(field, [...(fields.get(field) ?? []), value])
  }
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag()
    if (type === WireType.LengthDelimited) add(field, Buffer.from(reader.bytes()))
    else if (type === WireType.Varint) add(field, Number(reader.int64()))
    else if (type === WireType.Bit64) add(field, Number(reader.fixed64()))
    else reader.skip(type, field)
  }
  return fields
}

function messages(fields: Fields, field: number): readonly Buffer[] {
  return (fields.get(field) ?? []).filter((value) => Buffer.isBuffer(value))
}

function hex(fields: Fields, field: number): string {
  return messages(fields, field)[0]?.toString('hex') ?? ''
}

function number(fields: Fields, field: number): number {
  const [value = 0] = fields.get(field) ?? []
  return typeof value === 'number' ? value : 0
}

function spansOfProtobuf(body: Buffer): readonly ReceivedSpan[] {
  return messages(fieldsOf(body), 1).flatMap((resourceSpans) => {
    const fields = fieldsOf(resourceSpans)
    const resource = messages(fields, 1).flatMap((one) => messages(fieldsOf(one), 1))
    const service = String(valuesOf(resource)['service.name'])
    const spans = messages(fields, 2).flatMap((scope) => messages(fieldsOf(scope), 2))
    return spans.map((span) => spanOf(service, fieldsOf(span)))
  })
}

function spanOf(service: string, fields: Fields): ReceivedSpan {
  const [status = Buffer.alloc(0)] = messages(fields, 15)
  return {
    service,
    traceId: hex(fields, 1),
    spanId: hex(fields, 2),
    parentSpanId: hex(fields, 4),
    name: messages(fields, 5)[0]?.toString() ?? '',
    kind: KINDS[number(fields, 6)] ?? 'other',
    startMs: number(fields, 7) / 1e6,
    endMs: number(fields, 8) / 1e6,
    attributes: valuesOf(messages(fields, 9)),
    links: messages(fields, 13).map((link) => {
      const parts = fieldsOf(link)
      return { traceId: hex(parts, 1), spanId: hex(parts, 2) }
    }),
    isError: number(fieldsOf(status), 3) === ERROR,
  }
}

function valuesOf(pairs: readonly Buffer[]): Record<string, unknown> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const fields = fieldsOf(pair)
      const value = fieldsOf(messages(fields, 2)[0] ?? Buffer.alloc(0))
      const [text] = messages(value, 1)
      const isFlag = value.has(2)
      return [
        String(messages(fields, 1)[0]),
        text?.toString() ?? (isFlag ? number(value, 2) === 1 : number(value, 3)),
      ]
    }),
  )
}
