import type { record } from '@fractal-lba/proto'
import {
  type AppError,
  type Attributes,
  type CallContext,
  errorTable,
  monotonicMs,
  referenceOf,
  type Tracer,
  toAppError,
  Work,
} from '@fractal-lba/runtime'
import type { Answer } from './decision.js'

/** What spans say of requests over HTTP, by semantic conventions. */
export const httpAttributes: Attributes = {
  'pcs.front': 'http',
  'http.request.method': 'POST',
  'http.route': '/v1/pcs/submit',
}

/** What spans say of requests over gRPC. */
export function grpcAttributes(method: 'Submit' | 'SubmitBatch'): Attributes {
  return {
    'pcs.front': 'grpc',
    'rpc.system.name': 'grpc',
    'rpc.method': `flk.ingest.v1.IngestService/${method}`,
  }
}

/** The traces of submissions: one for each, from here through all services. */
export class SubmissionTraces {
  readonly #tracer: Tracer

  constructor(tracer: Tracer) {
    this.#tracer = tracer
  }

  /** @param parent the span of whoever hands it in */
  submission(parent: CallContext | undefined, attributes: Attributes, startMs = monotonicMs()): Work {
    const begin = { name: 'pcs.submit', kind: 'server', parent: referenceOf(parent) } as const
    return new Work(this.#tracer, { ...begin, startMs, attributes })
  }

  /** A request with several submissions. */
  batch(parent: CallContext | undefined, submissions: number): Work {
    const begin = { name: 'pcs.submit_batch', kind: 'server', parent: referenceOf(parent) } as const
    const attributes = { ...grpcAttributes('SubmitBatch'), 'messaging.batch.message_count': submissions }
    return new Work(this.#tracer, { ...begin, startMs: monotonicMs(), attributes })
  }

  /** One of them: a trace of its own, linked to the request's. */
  submissionOf(batch: Work): Work {
    const begin = { name: 'pcs.submit', kind: 'server', startMs: monotonicMs() } as const
    return new Work(this.#tracer, {
      ...begin,
      link: batch.reference,
      attributes: grpcAttributes('SubmitBatch'),
    })
  }

  /** A new trace, linked to the one of the first attempt. */
  replay(first: CallContext | undefined, { logId, sequence }: record.Position): Work {
    const attributes = { 'pcs.log_id': logId, 'pcs.log_sequence': sequence }
    const begin = { name: 'pcs.replay', kind: 'internal', startMs: monotonicMs() } as const
    return new Work(this.#tracer, { ...begin, link: referenceOf(first), attributes })
  }
}

/** Ends the trace of a submission with what it came to. */
export function endTrace(trace: Work | undefined, answer: Answer | Error): void {
  trace?.end({ endMs: monotonicMs(), ...endOf(answer) })
}

function endOf(
  answer: Answer | Error,
): Pick<Parameters<Work['end']>[0], 'attributes' | 'failure' | 'isNotable'> {
  if (answer instanceof Error) return endOfError(toAppError(answer))
  const { status, outcome, replayed } = answer
  const { pcsId, accepted, escalated, reason } = outcome
  const attributes = {
    'pcs.id': pcsId,
    'pcs.status': status,
    'pcs.accepted': accepted,
    'pcs.escalated': escalated,
    'pcs.replayed': replayed,
    ...(reason && { 'pcs.reason': reason }),
  }
  return { attributes, failure: undefined, isNotable: escalated && !replayed }
}

/** What a client has done wrong is no error of the server's span. */
function endOfError({ code, message }: AppError): ReturnType<typeof endOf> {
  const { http: status } = errorTable[code]
  const isFailure = status >= 500
  const attributes = { 'pcs.status': status, 'pcs.reason': code, ...(isFailure && { 'error.type': code }) }
  return { attributes, failure: isFailure ? message : undefined, isNotable: isFailure }
}
