import type { Logger } from '../logger.js'
import { Counter, type Registry } from '../metrics.js'
import type { Interceptor } from '../rpc/interceptors.js'
import type { TelemetryConfig } from './config.js'
import { SpanQueue } from './span-queue.js'
import { spans } from './spans.js'
import type { FinishedSpan, Tracer } from './tracer.js'

export interface Telemetry {
  /** Undefined where no spans are wanted. */
  readonly tracer: Tracer | undefined
  /** Sends what is left, for a short while at most. */
  stop(): Promise<void>
}

/** What a process gives its services of it: a tracer, and the spans of all calls. */
export function tracedBy({ tracer }: Telemetry): {
  readonly tracer: Tracer | undefined
  readonly interceptors: readonly Interceptor[]
} {
  return { tracer, interceptors: tracer ? [spans(tracer)] : [] }
}

/** A collector that hangs must not hold up the end of a process. */
const STOP_MS_MAX = 2_000

/**
 * Starts what carries the spans of one service. Where none are wanted, nothing of OpenTelemetry is loaded.
 * @param program its name where the configuration has none
 */
export async function startTelemetry(
  program: string,
  config: TelemetryConfig | undefined,
  { registry, logger }: { readonly registry: Registry; readonly logger: Logger },
): Promise<Telemetry> {
  const dropped = new Counter({
    name: 'otel_spans_dropped_total',
    help: 'Spans that were not sent: no room was left in the queue, or the collector did not take them.',
    labelNames: ['reason'],
    registers: [registry],
  })
  const sent = new Counter({
    name: 'otel_spans_sent_total',
    help: 'Spans that the collector took.',
    registers: [registry],
  })
  for (const reason of ['queue_full', 'export_failed']) dropped.inc({ reason }, 0)
  if (!config) return { tracer: undefined, stop: async () => undefined }

  const { createHead, createSender } = await import('./otel.js')
  const sender = await createSender(program, config)
  // A URL may hold a password.
  const collector = new URL(config.url).origin
  let isFailing = false
  const queue = new SpanQueue<FinishedSpan>({
    limits: config.queue,
    send: sender.send,
    onSent(count) {
      sent.inc(count)
      if (isFailing) logger.info({ collector }, 'the collector takes spans again')
      isFailing = false
    },
    onDropped(count, reason, error) {
      dropped.inc({ reason }, count)
      // Told once for a row of failures; the metric counts them all.
      if (error !== undefined && !isFailing)
        logger.warn({ collector, err: error }, 'the collector takes no spans: they are dropped')
      if (error !== undefined) isFailing = true
    },
  })
  logger.info({ collector, sampler: config.sampler }, 'spans are sent to a collector')
  return {
    tracer: {
      samples: createHead(config),
      keepsFailures: config.sampler !== 'always_off',
      record: (span) => queue.add(span),
    },
    async stop() {
      await queue.close(STOP_MS_MAX)
      // Not awaited: it would wait for a collector that hangs.
      sender.stop().catch(() => undefined)
    },
  }
}
