import { type IncomingMessage, METHODS } from 'node:http'
import { recordProblems, transportProblems } from '@fractal-lba/http-api'
import type {
  BasicAuth,
  Logger,
  OpenMetricsRegistry,
  ReadyReport,
  Registry,
  ServerTls,
} from '@fractal-lba/runtime'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { Admission } from '../admission.js'
import type { Duty } from '../duty.js'
import type { Ingest } from '../ingest.js'
import type { MonitorView } from '../monitor.js'
import type { RateLimit } from '../rate-limit.js'
import { requestIdFrom } from '../request-id.js'
import type { SubmissionReport } from '../submission-report.js'
import type { SubmissionTraces } from '../traces.js'
import { occursTwice, type Refusal } from './admission.js'
import { Answers } from './answers.js'
import { batchRoute } from './batch/batch.js'
import { docsRoutes } from './docs.js'
import { isClosing } from './linger.js'
import { HttpMetrics } from './metrics.js'
import { createNodeServer, HEADERS_MAX, type HttpLimits } from './node-server.js'
import { operationsRoutes } from './operations.js'
import { outcomeRoute } from './outcome.js'
import { homeRoute } from './pages/home.js'
import type { LinkTargets } from './pages/links.js'
import { problemRoutes } from './pages/problems.js'
import { decorateRequests } from './request-state.js'
import { allowed, type RouteDefinition, routeOf } from './route.js'
import { submitRoute } from './submit.js'

export interface HttpDependencies {
  readonly ingest: Pick<Ingest, 'submit' | 'outcome'>
  readonly admission: Admission
  readonly rateLimit: RateLimit
  readonly ready: () => Promise<ReadyReport>
  /** What the page for people shows. */
  readonly view: () => MonitorView
  readonly duty: Pick<Duty, 'minutes' | 'findings'>
  readonly links: LinkTargets
  readonly registry: Registry
  readonly exemplars: OpenMetricsRegistry
  readonly report: SubmissionReport
  /** Who may read /metrics; nobody is asked where it is undefined. */
  readonly metricsAuth: BasicAuth | undefined
  readonly logger: Logger
  readonly limits: HttpLimits
  /** Undefined: nobody wants traces. */
  readonly traces?: SubmissionTraces | undefined
  /** Absent: plain HTTP. */
  readonly tls?: ServerTls | undefined
}

const NO_SUCH_PATH: Refusal = { kind: recordProblems.unknown_path, detail: 'nothing is served at this path' }
const NO_HOST: Refusal = { kind: transportProblems.not_http, detail: 'the header Host is missing' }
const TWO_HOSTS: Refusal = { kind: transportProblems.not_http, detail: 'there is more than one header Host' }
const TWO_ENDS: Refusal = {
  kind: transportProblems.not_http,
  detail: 'a length and a transfer coding both say where the body ends',
}
const TOO_MANY_HEADERS: Refusal = {
  kind: transportProblems.headers_too_large,
  detail: `there are more than ${HEADERS_MAX} headers`,
}

/**
 * The HTTP side of the gateway, ready to listen. Its close() takes no more connections, lets what is under way be
 * answered, tells each client that its connection ends, and cuts what is left after the limit for that.
 */
export function buildHttpServer({
  ingest,
  admission,
  rateLimit,
  ready,
  view,
  duty,
  links,
  registry,
  exemplars,
  report,
  metricsAuth,
  logger,
  limits,
  traces,
  tls,
}: HttpDependencies): FastifyInstance {
  const metrics = new HttpMetrics(registry)
  const answers = new Answers(metrics, logger, limits.retryAfterMs, admission)

  const notFound = (request: FastifyRequest, reply: FastifyReply): void => {
    const route = routeOf(routes, request.raw.url ?? '')
    // Neither the fields nor the label of the route that has led here: it is not its answer.
    request.route = route && { label: route.url }
    if (!route) {
      answers.refuse(request, reply, NO_SUCH_PATH)
      return
    }
    const detail = `this path takes ${allowed(route)}`
    answers.refuse(request, reply, { kind: recordProblems.method_not_allowed, detail }, [
      'Allow',
      allowed(route),
    ])
  }
  const submissions = { answers, ingest, admission, rateLimit, report, traces }
  const routes: readonly RouteDefinition[] = [
    submitRoute({ ...submissions, bodyBytesMax: limits.bodyBytesMax, bodyTimeoutMs: limits.bodyTimeoutMs }),
    batchRoute({ ...submissions, recordBytesMax: limits.bodyBytesMax, limits: limits.batch }),
    outcomeRoute(answers, ingest, notFound),
    ...operationsRoutes({ answers, ready, registry, exemplars, metricsAuth }),
    ...docsRoutes(answers),
    ...problemRoutes(answers, notFound),
    homeRoute({ answers, ready, view, duty, links, metricsAuth }),
  ]

  const app = Fastify({
    serverFactory: (onRequest) => createNodeServer(onRequest, limits, answers, metrics, tls),
    // The server has its own; Fastify would add one that answers a second time.
    clientErrorHandler: () => undefined,
    return503OnClosing: false,
    genReqId: ({ headers }) => requestIdFrom(headers['x-request-id']),
    rewriteUrl: ({ url }) => pathOf(url ?? ''),
    // Bad percent-encoding, a parameter that is too long: there is no such path.
    frameworkErrors(_error, request, reply) {
      answers.expect(request)
      answers.refuse(request, reply, NO_SUCH_PATH)
    },
  })
  // Fastify reads no body: admission comes before reading, and the log takes the bytes as they came.
  for (const method of app.supportedMethods.filter((known) => METHODS.includes(known))) {
    app.addHttpMethod(method, { hasBody: false, overrideExisting: true })
  }
  decorateRequests(app)
  app.addHook('onRequest', (request, reply, done) => {
    // What came behind a last word is not heard.
    if (isClosing(request.raw.socket)) return
    answers.expect(request)
    const refusal = refusalAsHttp(request.raw)
    if (!refusal) {
      done()
      return
    }
    request.connection.ending = true
    answers.refuse(request, reply, refusal)
  })
  for (const { method, url, fields, handle } of routes) {
    const route = { label: url, ...(fields && { fields }) }
    app.route({
      method,
      url,
      handler(request, reply) {
        request.route = route
        handle(request, reply)
      },
    })
  }
  app.setNotFoundHandler(notFound)
  app.setErrorHandler((error, request, reply) => answers.fail(request, reply, error))
  closeInTime(app, answers, limits.closeTimeoutMs)
  return app
}

/** What makes a request unfit whatever it asks for; the rest of HTTP's rules are Node's. */
function refusalAsHttp({ headers, rawHeaders, httpVersionMinor }: IncomingMessage): Refusal | undefined {
  if (rawHeaders.length > 2 * HEADERS_MAX) return TOO_MANY_HEADERS
  if (occursTwice(rawHeaders, 'host')) return TWO_HOSTS
  // Node's parser refuses them, but not where the coding is empty.
  if (headers['transfer-encoding'] !== undefined && headers['content-length'] !== undefined) return TWO_ENDS
  return headers.host === undefined && httpVersionMinor === 1 ? NO_HOST : undefined
}

/** The path of a request target, also where it is in absolute form (RFC 9112, section 3.2.2). */
function pathOf(target: string): string {
  if (target.startsWith('/')) return target
  const absolute = /^https?:\/\/[^/?#]*(.*)$/i.exec(target)?.[1]
  if (absolute === undefined) return `/${target}`
  return absolute.startsWith('/') ? absolute : `/${absolute}`
}

function closeInTime(app: FastifyInstance, answers: Answers, closeTimeoutMs: number): void {
  app.addHook('preClose', (done) => {
    answers.close()
    const timer = setTimeout(() => app.server.closeAllConnections(), closeTimeoutMs).unref()
    app.server.once('close', () => clearTimeout(timer))
    done()
  })
}
