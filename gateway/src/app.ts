import {
  closingOnFailure,
  type OpsServer,
  type ProcessContext,
  type ReadyReport,
  type Running,
  refusalsOfNames,
  reportClock,
  StartError,
  serverTls,
  startGrpcServer,
  startOpsServer,
  withClock,
  withTls,
} from '@fractal-lba/runtime'
import { Admission } from './admission.js'
import { TrustedProxies } from './client-address.js'
import { ClientLimits } from './client-limits.js'
import { connectServices } from './clients/connect.js'
import type { GatewayConfig } from './config.js'
import { ConnectionShares } from './connection-shares.js'
import { createCounters } from './counters.js'
import { Duty } from './duty.js'
import { callerShares, ingestService, REQUEST_BYTES_MAX } from './grpc/ingest-service.js'
import { buildHttpServer } from './http/server.js'
import { Ingest } from './ingest.js'
import { inTurns } from './log-turns.js'
import { Monitor } from './monitor.js'
import { RateLimit } from './rate-limit.js'
import { RecordLog } from './record-log.js'
import { replayOpenEntries } from './replay.js'
import { SubmissionMetrics } from './submission-metrics.js'
import { SubmissionReport } from './submission-report.js'
import { SubmissionTraces } from './traces.js'

/** Puts the gateway together and starts it; what it needs is configuration and the four services' addresses. */
export async function startGateway(config: GatewayConfig, context: ProcessContext): Promise<Running> {
  const { logger, registry, stopping, tracer } = context
  const { addresses, hop } = config
  const [refusal] = await refusalsOfNames(addresses.wal)
  if (refusal !== undefined) throw new StartError(`WAL_ADDR: ${refusal}`)
  reportClock(context.clock, context)
  const counters = createCounters(registry)
  const submissionMetrics = new SubmissionMetrics(registry)
  const recordLog = new RecordLog(logger, config.logRecordRate)
  const duty = new Duty(submissionMetrics, logger)
  const report = new SubmissionReport(submissionMetrics, recordLog, duty.findings)
  const { wals, dedup, verifier, scoring } = connectServices(addresses, hop, context)
  const monitor = new Monitor(
    {
      wals,
      dedup,
      verifier: (timeoutMs) => verifier.isServing(timeoutMs),
      scoring: (timeoutMs) => scoring.isServing(timeoutMs),
    },
    logger,
  )
  const logsForAppend = inTurns(wals, ({ address }) => monitor.suitability(address))
  const services = { verifier, scoring, dedup, logsForAppend }
  const ingest = new Ingest(services, counters, config.submitTimeoutMs, context.clock.nowMs, () => {
    monitor.look()
  })
  const traces = tracer && new SubmissionTraces(tracer)
  const rateLimit = new RateLimit({
    tokensPerSecond: config.tokenRate,
    onRefused: () => counters.rateLimited.inc(),
  })
  const { trustedProxies, ...shares } = config.clients
  const clientLimits = new ClientLimits({
    ...shares,
    bodyBytesMax: config.bodyBytesMax,
    onRefused: () => counters.rateLimited.inc(),
  })
  const proxies = new TrustedProxies(trustedProxies)
  const admission = new Admission({
    ...{ clientLimits, proxies },
    recordBytesMax: config.bodyBytesMax,
    rateLimit,
    room: () => monitor.refusal,
  })

  await monitor.look()
  duty.start(() => monitor.openCount)
  const ready = async (): Promise<ReadyReport> => {
    await monitor.look()
    return withTls(withClock(monitor.report(), context.clock), registry)
  }
  const tls = await serverTls(config.publicTls, context)
  const http = buildHttpServer({
    ingest,
    admission,
    rateLimit,
    ready,
    tls,
    ...{ duty, links: config.links },
    view: () => monitor.view(),
    registry,
    exemplars: submissionMetrics.exemplars,
    report,
    metricsAuth: config.metricsAuth,
    logger,
    limits: { ...config, closeTimeoutMs: config.stopGraceMs },
    traces,
  })
  const { connectionsMax } = config
  const onHttpDropped = (): boolean => http.server.emit('drop')
  const httpConnections = new ConnectionShares({ connectionsMax, proxies, onDropped: onHttpDropped })
  http.server.prependListener('connection', (socket) => httpConnections.take(socket))
  const onGrpcDropped = (): void => counters.grpcConnectionsDropped.inc()
  const grpcConnections = new ConnectionShares({ connectionsMax, proxies, onDropped: onGrpcDropped })
  const service = ingestService({
    ...{ ingest, admission, report, logger, traces },
    retryAfterMs: config.retryAfterMs,
  })
  const closeClients = (): void => {
    duty.close()
    monitor.close()
    for (const client of [...wals, dedup, verifier, scoring]) client.close()
  }
  let plainOps: OpsServer | undefined
  const closeHttp = async (): Promise<void> => {
    await http.close()
    await plainOps?.close()
  }
  const listen = async () => {
    await http.listen({ host: config.host, port: config.port })
    if (config.plainOpsAddress !== undefined) {
      plainOps = await startOpsServer(config.plainOpsAddress, { registry, auth: config.metricsAuth, ready })
    }
    // Agents are no peers: what they say of their clocks is not asked for. The spans of what they ask are made here.
    return startGrpcServer(
      config.grpcAddress,
      [service],
      { ...context, clock: undefined, interceptors: [] },
      {
        connectionsMax,
        requestTimeoutMs: config.bodyTimeoutMs,
        messageBytesMax: REQUEST_BYTES_MAX,
        beforeHealthCheck: () => monitor.look(),
        onDropped: onGrpcDropped,
        onConnection: (socket) => grpcConnections.take(socket),
        shares: callerShares(admission, report),
        tls,
      },
    )
  }
  const grpc = await closingOnFailure(listen(), async () => {
    await closeHttp()
    closeClients()
  })
  monitor.follow(() => grpc.setServing(monitor.report().status !== 'not_ready'))
  const replays = wals.map((wal) =>
    replayOpenEntries(
      wal,
      { ingest, monitor, counters, report, logger, traces, config: config.replay },
      stopping,
    ),
  )

  return {
    async stop() {
      monitor.drain()
      grpc.setServing(false)
      await Promise.all([closeHttp(), grpc.stop(config.stopGraceMs), ...replays])
      closeClients()
      recordLog.close()
    },
  }
}
