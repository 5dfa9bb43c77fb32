import {
  type CallContext,
  Counter,
  Histogram,
  LATENCY_BUCKETS_SECONDS,
  OpenMetricsRegistry,
  type Registry,
} from '@fractal-lba/runtime'
import { sampledTraceId } from './trace-context.js'

/** Where a submission came in; `batch` is a line of a batch over HTTP. */
export type Front = 'http' | 'batch' | 'grpc'

const FRONTS: readonly Front[] = ['http', 'batch', 'grpc']
/** A rate over a series that is not there yet misses its first step: these are there from the start. */
const USUAL_CODES = [200, 202, 400, 401, 409, 413, 415, 429, 500, 503]

/** The label of an exemplar, as Grafana looks for it; of no series. */
const TRACE = 'trace_id'

/** What was answered since the start of the process, over all fronts. */
export interface SubmissionTotals {
  readonly answered: number
  /** 4xx */
  readonly refused: number
  /** 5xx */
  readonly failed: number
  /** How many took up to so long, rising; the last one has no end. */
  readonly durations: readonly { readonly leSeconds: number; readonly count: number }[]
}

const COUNTED = {
  name: 'flk_submissions_total',
  help: 'Submissions that were answered, by the HTTP status of the answer, over gRPC too; each record of a batch by itself.',
  labelNames: ['front', 'code'] as const,
}

/** The contract's section 8: each submission once, whatever its front. */
export class SubmissionMetrics {
  /**
   * The same once more in the form of OpenMetrics, with the trace of a sampled submission as exemplar. A registry of its
   * own, because that form would append `_total` to the contract's names.
   */
  readonly exemplars = new OpenMetricsRegistry()
  readonly #answered: Counter<'front' | 'code'>
  readonly #answeredWithExemplars: Counter<'front' | 'code' | typeof TRACE>
  readonly #durations: Histogram<'front' | typeof TRACE>

  constructor(registry: Registry) {
    this.#answered = new Counter({ ...COUNTED, registers: [registry] })
    this.#answeredWithExemplars = new Counter({
      ...COUNTED,
      enableExemplars: true,
      registers: [this.exemplars],
    })
    this.#durations = new Histogram({
      name: 'flk_submission_duration_seconds',
      help: 'From the last byte of a submission to its answer; of a line of a batch, from when it comes under way. What was refused before its last byte is not in it.',
      labelNames: ['front'],
      buckets: LATENCY_BUCKETS_SECONDS,
      enableExemplars: true,
      registers: [this.exemplars],
    })
    // One histogram in both: the form of a registry decides whether exemplars are shown.
    registry.registerMetric(this.#durations)
    for (const front of FRONTS) {
      this.#durations.zero({ front })
      for (const code of USUAL_CODES) {
        this.#answered.inc({ front, code }, 0)
        this.#answeredWithExemplars.inc({ labels: { front, code }, value: 0 })
      }
    }
  }

  /**
   * Once for each submission, when it is answered.
   * @param code the HTTP status of the answer
   * @param elapsedMs since its last byte; undefined where it was refused before that came
   */
  answered(front: Front, code: number, elapsedMs?: number, context?: CallContext): void {
    const labels = { front, code }
    const traceId = sampledTraceId(context)
    const exemplar = traceId === undefined ? {} : { exemplarLabels: { [TRACE]: traceId } }
    this.#answered.inc(labels)
    this.#answeredWithExemplars.inc({ labels, value: 1, ...exemplar })
    if (elapsedMs === undefined) return
    this.#durations.observe({ labels: { front }, value: elapsedMs / 1_000, ...exemplar })
  }

  async totals(): Promise<SubmissionTotals> {
    const totals = { answered: 0, refused: 0, failed: 0 }
    for (const { labels, value } of (await this.#answered.get()).values) {
      totals.answered += value
      const code = Number(labels.code)
      if (code >= 500) totals.failed += value
      else if (code >= 400) totals.refused += value
    }
    const counts = new Map<number, number>()
    for (const { metricName, labels, value } of (await this.#durations.get()).values) {
      if (!metricName?.endsWith('_bucket')) continue
      const { le } = labels as { readonly le?: string | number }
      const leSeconds = le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le)
      counts.set(leSeconds, (counts.get(leSeconds) ?? 0) + value)
    }
    const durations = [...counts]
      .map(([leSeconds, count]) => ({ leSeconds, count }))
      .sort((one, other) => one.leSeconds - other.leSeconds)
    return { ...totals, durations }
  }
}
