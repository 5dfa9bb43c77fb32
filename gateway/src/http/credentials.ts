import { transportProblems } from '@fractal-lba/http-api'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Answers } from './answers.js'

const WANTED = ['WWW-Authenticate', 'Basic realm="metrics", charset="UTF-8"'] as const

/** The answer to who may not read the metrics: a browser asks for user and password then. */
export function refuseWithoutCredentials(
  answers: Answers,
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  const refusal = { kind: transportProblems.metrics_credentials, detail: 'user or password is wrong' }
  answers.refuse(request, reply, refusal, WANTED)
}
