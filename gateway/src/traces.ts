import type { record } from '@fractal-lba/proto'
import {
  AppError,
  type Attributes,
  type CallContext,
  errorTable,
  monotonicMs,
  referenceOf,
  type Tracer,
  Work,
} from '@fractal-lba/runtime'
import type { Answer } from './decision.js'

/** What spans say of requests over each front, by semantic conventions. */
const OVER_HTTP: Attributes = {
  'pcs.front': 'http',
  'http.request.method': 'POST',
  'http.route': '/v1/pcs/submit',
}
const OVER_GRPC: Attributes = {
  'pcs.front': 'grpc',
  'rpc.system.name': 'grpc',
  'rpc.method': 'flk.ingest.v1.IngestService/Submit',
}
/** Of a request with several submissions and of each of those, by the front that takes it. */
const IN_BATCH: Readonly<Record<'batch' | 'grpc', Attributes>> = {
  batch: { ...OVER_HTTP, 'pcs.front': 'batch', 'http.route': '/v1/pcs/batch' },
  grpc: { ...OVER_GRPC, 'rpc.method': 'flk.ingest.v1.IngestService/SubmitBatch' },
}

type BatchFront = keyof typeof IN_BATCH

/** The traces of submissions: one for each, from here through all services. */
export class SubmissionTraces {
  readonly #tracer: Tracer

  constructor(tracer: Tracer) {
    this.#tracer = tracer
  }

  /** @param parent the span of whoever hands it in */
  overHttp(parent: CallContext | undefined, startMs: number): Work {
    return this.#submission(referenceOf(parent), startMs, OVER_HTTP)
  }

  overGrpc(parent: CallContext | undefined): Work {
    return this.#submission(referenceOf(parent), monotonicMs(), OVER_GRPC)
  }

  /** A request with several submissions. */
  batch(
    front: BatchFront,
    parent: CallContext | undefined,
    submissions: number,
    startMs = monotonicMs(),
  ): Work {
    return new Work(this.#tracer, {
      name: 'pcs.submit_batch',
      kind: 'server',
      parent: referenceOf(parent),
      startMs,
      attributes: { ...IN_BATCH[front], 'messaging.batch.message_count': submissions },
    })
  }

  /** One of them: a trace of its own, linked to the request's. */
  submissionOf({ reference: link }: Work, front: BatchFront): Work {
    const startMs = monotonicMs()
    const attributes = IN_BATCH[front]
    return new Work(this.#tracer, { name: 'pcs.submit', kind: 'server', link, startMs, attributes })
  }

  /** A new trace, linked to the one of the first attempt. */
  replay(first: CallContext | undefined, { logId, sequence }: record.Position): Work {
    return new Work(this.#tracer, {
      name: 'pcs.replay',
      kind: 'internal',
      link: referenceOf(first),
      startMs: monotonicMs(),
      attributes: { 'pcs.log_id': logId, 'pcs.log_sequence': sequence },
    })
  }

  #submission(parent: Work['reference'] | undefined, startMs: number, attributes: Attributes): Work {
    return new Work(this.#tracer, { name: 'pcs.submit', kind: 'server', parent, startMs, attributes })
  }
}

/** Ends the trace of a submission with what it came to. What a client has done wrong is no error of the span. */
export function endTrace(trace: Work | undefined, answer: Answer, requestId?: string): void {
  if (!trace) return
  const failure = failureOf(answer)
  trace.end({
    endMs: monotonicMs(),
    failure,
    isNotable: failure !== undefined || isFreshEscalation(answer),
    attributes: () => ({ ...attributesOf(answer), ...(requestId && { 'pcs.request_id': requestId }) }),
  })
}

export function endBatchTrace(trace: Work | undefined): void {
  trace?.end({ endMs: monotonicMs(), failure: undefined, isNotable: false, attributes: () => ({}) })
}

function failureOf(answer: Answer): string | undefined {
  return answer instanceof AppError && errorTable[answer.code].http >= 500 ? answer.message : undefined
}

function isFreshEscalation(answer: Answer): boolean {
  return !(answer instanceof AppError) && answer.outcome.escalated && !answer.replayed
}

function attributesOf(answer: Answer): Attributes {
  if (answer instanceof AppError) {
    const { code } = answer
    const known = { 'pcs.status': errorTable[code].http, 'pcs.reason': code }
    return failureOf(answer) === undefined ? known : { ...known, 'error.type': code }
  }
  const { status, outcome, replayed } = answer
  const { pcsId, accepted, escalated, reason } = outcome
  return {
    'pcs.id': pcsId,
    'pcs.status': status,
    'pcs.accepted': accepted,
    'pcs.escalated': escalated,
    'pcs.replayed': replayed,
    ...(reason && { 'pcs.reason': reason }),
  }
}
