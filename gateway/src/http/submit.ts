import { renderOutcome } from '@fractal-lba/pcs'
import { record } from '@fractal-lba/proto'
import { AppError } from '@fractal-lba/runtime'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Admission } from '../admission.js'
import type { Answered } from '../decision.js'
import type { Ingest, Submission } from '../ingest.js'
import type { RateLimit } from '../rate-limit.js'
import { traceContextOf } from '../trace-context.js'
import { refusalByHeaders } from './admission.js'
import type { Answers, Content } from './answers.js'
import { type BodySink, readBody } from './body.js'
import type { RouteDefinition } from './route.js'

export interface SubmitParts {
  readonly answers: Answers
  readonly ingest: Pick<Ingest, 'submit'>
  readonly admission: Admission
  readonly rateLimit: RateLimit
  readonly bodyBytesMax: number
}

const REPLAYED = ['Idempotent-Replayed', 'true'] as const

/** `POST /v1/pcs/submit`: the contract's section 4, step 1 in its order, then the way of the record. */
export function submitRoute({
  answers,
  ingest,
  admission,
  rateLimit,
  bodyBytesMax,
}: SubmitParts): RouteDefinition {
  const sink: BodySink = {
    bytesMax: bodyBytesMax,
    complete: (request, reply, body) => void submit(request, reply, body),
    refused: (request, reply, refusal) => answers.refuse(request, reply, refusal),
  }
  return {
    method: 'POST',
    url: '/v1/pcs/submit',
    fields() {
      const fields = rateLimit.fields()
      return fields ? ['RateLimit-Policy', fields.policy, 'RateLimit', fields.state] : []
    },
    handle(request, reply) {
      const refusal = refusalByHeaders(request.raw, bodyBytesMax)
      if (refusal) answers.refuse(request, reply, refusal)
      else readBody(request, reply, sink)
    },
  }

  async function submit(request: FastifyRequest, reply: FastifyReply, body: Buffer): Promise<void> {
    try {
      const answer = admission.admit(body.length) ?? (await ingest.submit(submissionOf(request, body)))
      if (answer instanceof AppError) answers.fail(request, reply, answer)
      else answers.send(request, reply, contentOf(answer))
    } catch (error) {
      answers.fail(request, reply, error)
    }
  }
}

/** A stored outcome says that it is one. */
export function contentOf({ status, outcome, replayed }: Answered): Content {
  const content = { status, type: 'application/json', body: renderOutcome(outcome) }
  return replayed ? { ...content, fields: REPLAYED } : content
}

function submissionOf({ headers }: FastifyRequest, body: Buffer): Submission {
  const context = traceContextOf(headers.traceparent, headers.tracestate)
  return { body, encoding: record.Encoding.ENCODING_JSON, context }
}
