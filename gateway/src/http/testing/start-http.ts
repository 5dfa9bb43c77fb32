import type { AddressInfo } from 'node:net'
import { type AppError, type BasicAuth, createLogger, type ReadyReport, Registry } from '@fractal-lba/runtime'
import { Admission } from '../../admission.js'
import { TrustedProxies } from '../../client-address.js'
import { ClientLimits } from '../../client-limits.js'
import { Duty } from '../../duty.js'
import type { MonitorView } from '../../monitor.js'
import { RateLimit } from '../../rate-limit.js'
import { RecordLog } from '../../record-log.js'
import { SubmissionMetrics } from '../../submission-metrics.js'
import { SubmissionReport } from '../../submission-report.js'
import type { HttpLimits } from '../node-server.js'
import type { LinkTargets } from '../pages/links.js'
import { buildHttpServer } from '../server.js'
import { FakeIngest } from './fake-ingest.js'

export interface HttpUnderTest {
  readonly port: number
  readonly ingest: FakeIngest
  readonly registry: Registry
  readonly duty: Duty
  /** How often the rate limit refused. */
  readonly refusals: () => number
  readonly close: () => Promise<void>
}

export interface HttpSettings {
  readonly limits?: Partial<HttpLimits>
  /** Why no submission can be taken. */
  readonly room?: () => AppError | undefined
  readonly ready?: () => ReadyReport
  readonly metricsAuth?: BasicAuth
  readonly view?: () => MonitorView
  readonly links?: LinkTargets
  readonly tokensPerSecond?: number
  readonly refusalsPerSecond?: number
  /** The rate limit's monotonic clock. */
  readonly nowMs?: () => number
  readonly port?: number
  /** Takes the lines of the log from level info on; nobody gets any without it. */
  readonly onLine?: (line: string) => void
}

const LIMITS: HttpLimits = {
  bodyBytesMax: 64 * 2 ** 10,
  headersTimeoutMs: 3_000,
  bodyTimeoutMs: 5_000,
  batch: { bodyTimeoutMs: 5_000, bytesInFlightMax: 64 * 2 ** 20 },
  retryAfterMs: 5_000,
  connectionsMax: 1_000,
  closeTimeoutMs: 5_000,
}

/** The HTTP side of the gateway on a real socket, with a fake ingest behind it. */
export async function startHttp(settings: HttpSettings = {}): Promise<HttpUnderTest> {
  const ingest = new FakeIngest()
  const registry = new Registry()
  const metrics = new SubmissionMetrics(registry)
  const logger = createLogger('gateway', settings.onLine ? 'info' : 'fatal', settings.onLine)
  const duty = new Duty(metrics, logger)
  let refusals = 0
  const rateLimit = new RateLimit({
    tokensPerSecond: settings.tokensPerSecond ?? 0,
    onRefused: () => {
      refusals += 1
    },
    ...(settings.nowMs && { nowMs: settings.nowMs }),
  })
  const limits = { ...LIMITS, ...settings.limits }
  const app = buildHttpServer({
    ingest,
    admission: new Admission({
      clientLimits: new ClientLimits({
        ...{ requestsPerSecond: 0, bytesPerSecond: 0, bodyBytesMax: 1 },
        refusalsPerSecond: settings.refusalsPerSecond ?? 0,
        onRefused: () => undefined,
      }),
      proxies: new TrustedProxies([]),
      recordBytesMax: limits.bodyBytesMax,
      rateLimit,
      room: settings.room ?? (() => undefined),
    }),
    rateLimit,
    ready: async () => settings.ready?.() ?? { status: 'ready', dependencies: { wal: { state: 'up' } } },
    registry,
    exemplars: metrics.exemplars,
    report: new SubmissionReport(metrics, new RecordLog(logger, 10), duty.findings),
    duty,
    view: settings.view ?? (() => ({ dependencies: {}, logs: [], index: undefined })),
    links: settings.links ?? { traces: undefined, runbooks: undefined, dashboards: undefined },
    metricsAuth: settings.metricsAuth,
    logger,
    limits,
  })
  await app.listen({ host: '127.0.0.1', port: settings.port ?? 0 })
  const { port } = app.server.address() as AddressInfo
  return { port, ingest, registry, duty, refusals: () => refusals, close: () => app.close() }
}
