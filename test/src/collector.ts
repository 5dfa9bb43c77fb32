import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Environment } from '@fractal-lba/local'
import { type ReceivedSpan, spansOf } from './otlp.js'
import { until } from './until.js'

const LIMIT_MS = 10_000

/** All spans of one trace. */
export class Trace {
  constructor(readonly spans: readonly ReceivedSpan[]) {}

  /** The only span with this name and kind. @throws Error where there is none, or more than one. */
  one(name: string, kind?: ReceivedSpan['kind']): ReceivedSpan {
    const found = this.spans.filter((span) => span.name === name && (!kind || span.kind === kind))
    const [span] = found
    if (!span || found.length > 1)
      throw new Error(`${found.length} spans ${name}: ${this.edges().join(', ')}`)
    return span
  }

  has(name: string): boolean {
    return this.spans.some((span) => span.name === name)
  }

  /** Each span with its parent, sorted: `gateway pcs.submit > gateway wal.append`. */
  edges(): readonly string[] {
    const nameOf = (span: ReceivedSpan): string => `${span.service} ${span.name}`
    const byId = new Map(this.spans.map((span) => [span.spanId, span]))
    return this.spans
      .map((span) => {
        const parent = byId.get(span.parentSpanId)
        const above = parent ? nameOf(parent) : span.parentSpanId === '' ? 'root' : 'outside'
        return `${above} > ${nameOf(span)}`
      })
      .sort()
  }
}

/** How a collector treats what it gets. */
export type Mood = 'takes' | 'hangs' | 'refuses' | 'breaks off' | 'is slow'

const SLOW_MS = 1_000

/** A collector in the test's own process: takes OTLP over HTTP, and shows what it got. */
export class Collector {
  readonly #server = createServer((request, response) => this.#answer(request, response))
  readonly spans: ReceivedSpan[] = []
  mood: Mood = 'takes'
  #port = 0

  static async start(): Promise<Collector> {
    const collector = new Collector()
    await new Promise<void>((resolve) => collector.#server.listen(0, '127.0.0.1', resolve))
    const { port } = collector.#server.address() as AddressInfo
    collector.#port = port
    return collector
  }

  /** What tells a process to send its spans here, soon. */
  environment(protocol: 'http/protobuf' | 'http/json'): Environment {
    return {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${this.#port}`,
      OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
      OTEL_BSP_SCHEDULE_DELAY: '20',
      OTEL_BSP_MAX_QUEUE_SIZE: '20000',
    }
  }

  trace(traceId: string): Trace {
    return new Trace(this.spans.filter((span) => span.traceId === traceId))
  }

  /** The trace as soon as it has so many spans. */
  async traceOf(traceId: string, spans: number): Promise<Trace> {
    await until(
      `the trace ${traceId} has ${spans} spans, not ${this.trace(traceId).edges().join(', ')}`,
      LIMIT_MS,
      () => this.trace(traceId).spans.length >= spans,
    )
    return this.trace(traceId)
  }

  /** The trace whose root has this attribute, once there is one. */
  async rootWith(name: string, key: string, value: unknown): Promise<ReceivedSpan> {
    return until(`there is a span ${name} with ${key} ${value}`, LIMIT_MS, () =>
      this.spans.find((span) => span.name === name && span.attributes[key] === value),
    )
  }

  /** Where it was, after a stop. */
  async restart(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(this.#port, '127.0.0.1', resolve))
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    switch (this.mood) {
      case 'hangs':
        return
      case 'refuses':
        response.writeHead(500).end()
        return
      case 'breaks off':
        request.socket.destroy()
        return
      case 'is slow':
        setTimeout(() => this.#take(request, response), SLOW_MS)
        return
      case 'takes':
        this.#take(request, response)
    }
  }

  #take(request: IncomingMessage, response: ServerResponse): void {
    this.#receive(request).then(
      () => response.writeHead(200, { 'content-type': request.headers['content-type'] ?? '' }).end(),
      () => response.writeHead(400).end(),
    )
  }

  async #receive(request: IncomingMessage): Promise<void> {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part as Buffer)
    this.spans.push(...spansOf(Buffer.concat(parts), request.headers['content-type']))
  }
}
