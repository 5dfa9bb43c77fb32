import { renderOutcome } from '@fractal-lba/pcs'
import { record } from '@fractal-lba/proto'
import { AppError, monotonicMs, toAppError } from '@fractal-lba/runtime'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Admission, Caller } from '../admission.js'
import type { Answer, Answered } from '../decision.js'
import type { Ingest, Submission } from '../ingest.js'
import type { RateLimit } from '../rate-limit.js'
import type { SubmissionReport } from '../submission-report.js'
import { traceContextOf } from '../trace-context.js'
import { endTrace, type SubmissionTraces } from '../traces.js'
import { type Refusal, refusalByHeaders } from './admission.js'
import type { Answers, Content } from './answers.js'
import { type BodySink, readBody } from './body.js'
import type { RouteDefinition } from './route.js'

export interface SubmitParts {
  readonly answers: Answers
  readonly ingest: Pick<Ingest, 'submit'>
  readonly admission: Admission
  readonly rateLimit: RateLimit
  readonly report: SubmissionReport
  readonly bodyBytesMax: number
  readonly bodyTimeoutMs: number
  readonly traces: SubmissionTraces | undefined
}

const REPLAYED = ['Idempotent-Replayed', 'true'] as const

/** `POST /v1/pcs/submit`: the contract's section 4, step 1 in its order, then the way of the record. */
export function submitRoute({
  answers,
  ingest,
  admission,
  rateLimit,
  report,
  bodyBytesMax,
  bodyTimeoutMs,
  traces,
}: SubmitParts): RouteDefinition {
  const sink: BodySink = {
    bytesMax: bodyBytesMax,
    timeoutMs: bodyTimeoutMs,
    complete(request, reply, body) {
      submit(request, reply, body).catch((error: unknown) => answers.fail(request, reply, error))
    },
    refused(request, reply, refusal) {
      // As much as it may have sent in vain.
      admission.charge(request.client, bodyBytesMax)
      refuse(request, reply, refusal)
    },
  }
  return {
    method: 'POST',
    url: '/v1/pcs/submit',
    fields: () => rateFields(rateLimit),
    handle(request, reply) {
      const { raw } = request
      request.client = admission.clientOf(callerOf(request))
      const refusal = refusalByHeaders(raw, 'application/json', bodyBytesMax)
      if (refusal) return refuse(request, reply, refusal)
      const isOver = admission.refusalAhead(request.client, Number(raw.headers['content-length'] ?? 0))
      if (isOver) return refuseAhead(request, reply, isOver)
      readBody(request, reply, sink)
    },
  }

  function refuseAhead(request: FastifyRequest, reply: FastifyReply, error: AppError): void {
    answers.refuseAhead(request, reply, error)
    report.answered(error, { front: 'http', requestId: request.id })
  }

  /** Before its last byte has come. */
  function refuse(request: FastifyRequest, reply: FastifyReply, refusal: Refusal): void {
    answers.refuse(request, reply, refusal)
    report.refused(refusal.kind, refusal.detail, { front: 'http', requestId: request.id })
  }

  async function submit(request: FastifyRequest, reply: FastifyReply, body: Buffer): Promise<void> {
    const completeMs = monotonicMs()
    const submission = submissionOf(request, body)
    const answer = await answerTo(submission)
    endTrace(request.trace, answer, request.id)
    if (answer instanceof AppError) answers.fail(request, reply, answer)
    else answers.send(request, reply, contentOf(answer))
    const elapsedMs = monotonicMs() - completeMs
    report.answered(answer, { front: 'http', requestId: request.id, elapsedMs, submission })
  }

  async function answerTo(submission: Submission): Promise<Answer> {
    try {
      return admission.admit(submission.body.length, submission.client) ?? (await ingest.submit(submission))
    } catch (error) {
      return toAppError(error)
    }
  }

  function submissionOf(request: FastifyRequest, body: Buffer): Submission {
    const { headers, startedMs } = request
    const parent = traceContextOf(headers.traceparent, headers.tracestate)
    request.trace = traces?.overHttp(parent, startedMs)
    const { client } = request
    return { body, encoding: record.Encoding.ENCODING_JSON, context: request.trace ?? parent, client }
  }
}

/** What each answer to a submission says of the rate limit. */
export function rateFields(rateLimit: RateLimit): readonly string[] {
  const fields = rateLimit.fields()
  return fields ? ['RateLimit-Policy', fields.policy, 'RateLimit', fields.state] : []
}

export function callerOf({ raw: { socket, headers } }: FastifyRequest): Caller {
  const forwardedFor = headers['x-forwarded-for']
  return {
    peer: socket.remoteAddress ?? '',
    forwardedFor: Array.isArray(forwardedFor) ? forwardedFor.join(',') : forwardedFor,
  }
}

/** A stored outcome says that it is one. */
export function contentOf({ status, outcome, replayed }: Answered): Content {
  const content = { status, type: 'application/json', body: renderOutcome(outcome) }
  return replayed ? { ...content, fields: REPLAYED } : content
}
