import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Ingest } from '../ingest.js'
import type { Answers } from './answers.js'
import type { RouteDefinition } from './route.js'
import { contentOf } from './submit.js'

const PCS_ID = /^[0-9a-f]{64}$/

/** `GET /v1/pcs/{pcs_id}`: the stored outcome, with its original status; acknowledges nothing by itself. */
export function outcomeRoute(
  answers: Answers,
  ingest: Pick<Ingest, 'outcome'>,
  notFound: (request: FastifyRequest, reply: FastifyReply) => void,
): RouteDefinition {
  return {
    method: 'GET',
    url: '/v1/pcs/:pcs_id',
    only: /^\/v1\/pcs\/[0-9a-f]{64}$/,
    // A 404 of today is an outcome of tomorrow.
    fields: () => ['Cache-Control', 'no-store'],
    handle(request, reply) {
      const { pcs_id: pcsId } = request.params as { readonly pcs_id: string }
      if (!PCS_ID.test(pcsId)) {
        notFound(request, reply)
        return
      }
      ingest.outcome(pcsId).then(
        (stored) => answers.send(request, reply, contentOf(stored)),
        (error: unknown) => answers.fail(request, reply, error),
      )
    },
  }
}
