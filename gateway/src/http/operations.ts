import { type BasicAuth, mayReadMetrics, type ReadyReport, type Registry } from '@fractal-lba/runtime'
import { transportProblems } from '../problem.js'
import type { Answers } from './answers.js'
import type { RouteDefinition } from './route.js'

export interface OperationsParts {
  readonly answers: Answers
  readonly ready: () => Promise<ReadyReport>
  readonly registry: Registry
  readonly metricsAuth: BasicAuth | undefined
}

const NO_STORE = ['Cache-Control', 'no-store'] as const
const CREDENTIALS_WANTED = ['WWW-Authenticate', 'Basic realm="metrics", charset="UTF-8"'] as const

/** What a kubelet, a load balancer and a scraper ask for: /health, /ready, /metrics. */
export function operationsRoutes({
  answers,
  ready,
  registry,
  metricsAuth,
}: OperationsParts): readonly RouteDefinition[] {
  return [
    {
      method: 'GET',
      url: '/health',
      fields: () => NO_STORE,
      handle: (request, reply) =>
        answers.send(request, reply, { status: 200, type: 'text/plain; charset=utf-8', body: 'OK' }),
    },
    {
      method: 'GET',
      url: '/ready',
      fields: () => NO_STORE,
      handle(request, reply) {
        ready().then(
          (report) => {
            const status = report.status === 'not_ready' ? 503 : 200
            const body = `${JSON.stringify(report)}\n`
            answers.send(request, reply, { status, type: 'application/json', body })
          },
          (error: unknown) => answers.fail(request, reply, error),
        )
      },
    },
    {
      method: 'GET',
      url: '/metrics',
      fields: () => NO_STORE,
      handle(request, reply) {
        if (!mayReadMetrics(metricsAuth, request.headers.authorization)) {
          const refusal = { kind: transportProblems.metrics_credentials, detail: 'user or password is wrong' }
          answers.refuse(request, reply, refusal, CREDENTIALS_WANTED)
          return
        }
        registry.metrics().then(
          (body) => answers.send(request, reply, { status: 200, type: registry.contentType, body }),
          (error: unknown) => answers.fail(request, reply, error),
        )
      },
    },
  ]
}
