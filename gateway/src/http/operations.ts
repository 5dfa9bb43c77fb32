import {
  type BasicAuth,
  mayReadMetrics,
  type OpenMetricsRegistry,
  type ReadyReport,
  type Registry,
} from '@fractal-lba/runtime'
import type { Answers } from './answers.js'
import { refuseWithoutCredentials } from './credentials.js'
import type { RouteDefinition } from './route.js'

export interface OperationsParts {
  readonly answers: Answers
  readonly ready: () => Promise<ReadyReport>
  readonly registry: Registry
  /** What /metrics/exemplars shows. */
  readonly exemplars: OpenMetricsRegistry
  readonly metricsAuth: BasicAuth | undefined
}

const NO_STORE = ['Cache-Control', 'no-store'] as const

/** What a kubelet, a load balancer and a scraper ask for: /health, /ready, /metrics, /metrics/exemplars. */
export function operationsRoutes({
  answers,
  ready,
  registry,
  exemplars,
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
    metricsRoute('/metrics', registry),
    metricsRoute('/metrics/exemplars', exemplars),
  ]

  function metricsRoute(url: string, shown: Registry | OpenMetricsRegistry): RouteDefinition {
    return {
      method: 'GET',
      url,
      fields: () => NO_STORE,
      handle(request, reply) {
        if (!mayReadMetrics(metricsAuth, request.headers.authorization)) {
          refuseWithoutCredentials(answers, request, reply)
          return
        }
        shown.metrics().then(
          (body) => answers.send(request, reply, { status: 200, type: shown.contentType, body }),
          (error: unknown) => answers.fail(request, reply, error),
        )
      },
    }
  }
}
