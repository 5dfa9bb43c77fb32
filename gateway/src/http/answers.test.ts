import type { AddressInfo } from 'node:net'
import { createLogger, Registry } from '@fractal-lba/runtime'
import Fastify from 'fastify'
import { expect, it } from 'vitest'
import { Answers } from './answers.js'
import { HttpMetrics } from './metrics.js'
import { decorateRequests } from './request-state.js'
import { ask, requestText } from './testing/connection.js'

it('a request has one answer: the first', async () => {
  const registry = new Registry()
  const answers = new Answers(new HttpMetrics(registry), createLogger('gateway', 'fatal'), 1_000, {
    refusalDelayMs: () => 0,
  })
  const app = Fastify()
  decorateRequests(app)
  app.get('/', (request, reply) => {
    answers.expect(request)
    answers.send(request, reply, { status: 200, type: 'text/plain', body: 'first' })
    answers.fail(request, reply, new Error('something behind it went wrong'))
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  expect((await ask(port, requestText('GET', '/'))).body).toBe('first')
  expect((await registry.metrics()).match(/^http_requests_total.*$/gm)).toEqual([
    'http_requests_total{method="GET",route="unmatched",code="200"} 1',
  ])
  await app.close()
})
