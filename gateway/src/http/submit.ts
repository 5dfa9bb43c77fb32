import type { FastifyReply, FastifyRequest } from 'fastify'
import type { RateLimit } from '../rate-limit.js'
import { refusalByHeaders } from './admission.js'
import type { Answers, Content } from './answers.js'
import { type BodySink, readBody } from './body.js'
import type { Admission, Ingest, Submitted } from './ingest-port.js'
import type { RouteDefinition } from './route.js'

export interface SubmitParts {
  readonly answers: Answers
  readonly ingest: Ingest
  readonly admission: Admission
  readonly rateLimit: RateLimit
  readonly bodyBytesMax: number
}

const REPLAYED = ['Idempotent-Replayed', 'true'] as const

/** W3C trace context, level 1. */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/

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
      const noPlace = rateLimit.take(1) ?? admission.room()
      if (noPlace) throw noPlace
      const submitted = await ingest.submit(body, traceparentOf(request.headers.traceparent))
      answers.send(request, reply, contentOf(submitted))
    } catch (error) {
      answers.fail(request, reply, error)
    }
  }
}

/** A stored outcome says that it is one. */
export function contentOf({ status, body, replayed }: Submitted): Content {
  const content = { status, type: 'application/json', body }
  return replayed ? { ...content, fields: REPLAYED } : content
}

function traceparentOf(header: string | readonly string[] | undefined): string {
  return typeof header === 'string' && TRACEPARENT.test(header) ? header : ''
}
