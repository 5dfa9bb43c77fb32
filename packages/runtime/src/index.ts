export type { ClockJudgement, ClockState } from '@fractal-lba/clock'
export { type Clock, hostIdOf, monotonicMs, TrustedClock } from '@fractal-lba/clock'
export { reportClock, withClock } from './clock/clock-report.js'
export {
  type ClockExchange,
  type ExpiryClock,
  ProcessClock,
  type ProcessClockOptions,
  trusting,
} from './clock/process-clock.js'
export { closingOnFailure } from './closing-on-failure.js'
export { ConfigError, Env, type HostPort, parseAddress, type Range } from './env.js'
export {
  AppError,
  type ErrorCode,
  type ErrorDetails,
  errorTable,
  fromServiceError,
  fromStatus,
  LostInFlight,
  toAppError,
  toServiceError,
  toStatus,
  transportCode,
  unavailable,
  type Violation,
  withJitter,
} from './errors.js'
export { LineOutput } from './line-output.js'
export { type LogLevel, otherLevel } from './log-level.js'
export { eventLine, humanLine, messageOf } from './log-line.js'
export { createLogger, type Logger, OccasionalWarning } from './logger.js'
export {
  Counter,
  createRegistry,
  Gauge,
  Histogram,
  LATENCY_BUCKETS_SECONDS,
  OpenMetricsRegistry,
  Registry,
} from './metrics.js'
export {
  type BasicAuth,
  type Dependency,
  type DependencyState,
  mayReadMetrics,
  type OpsServer,
  type ReadyReport,
  startOpsServer,
} from './ops-server.js'
export {
  type CommonConfig,
  EXIT_CONFIG,
  EXIT_UNAVAILABLE,
  type ProcessContext,
  type Running,
  readCommonConfig,
  runProcess,
  StartError,
} from './process.js'
export { BatchClient, type BatchOptions } from './rpc/batch-client.js'
export type { CallContext, CallOptions } from './rpc/call-context.js'
export type { StreamOptions, UnaryOptions } from './rpc/calls.js'
export { type ConnectOptions, connect, type Peer } from './rpc/connect.js'
export type { RpcContext } from './rpc/context.js'
export type { CallerShares } from './rpc/grpc-front.js'
export { type GrpcServer, startGrpcServer } from './rpc/grpc-server.js'
export { grpcTransport } from './rpc/grpc-transport.js'
export { inProcessTransport } from './rpc/in-process-transport.js'
export type { Call, CallEnd, Interceptor, MethodEnd, TracedItem } from './rpc/interceptors.js'
export { BATCH_ITEMS_MAX, defaultHopLimits, type HopLimits, readHopLimits } from './rpc/limits.js'
export { followTls, type ServerTls, tlsOptions } from './rpc/listener.js'
export { type Resolve, refusalsOfNames } from './rpc/resolved-name.js'
export { insecure, type Security } from './rpc/security.js'
export {
  type GrpcService,
  grpcService,
  type HandledBatch,
  type HandledCall,
  type HandledStream,
  type Handlers,
} from './rpc/served.js'
export type { Transport } from './rpc/transport.js'
export { readServiceConfig, type ServiceConfig, type ServiceParts, serve } from './service.js'
export {
  readAddress,
  readAddresses,
  readClockOffsetMaxMs,
  readDataDirectory,
  readDedupTtlMs,
  readHopTimeoutMs,
  readHost,
  readPort,
  readSubmitTimeoutMs,
  readWalDirectory,
} from './shared-settings.js'
export type { TelemetryConfig } from './telemetry/config.js'
export { referenceOf, type SpanReference } from './telemetry/reference.js'
export { startTelemetry, type Telemetry, tracedBy } from './telemetry/start.js'
export type { Attributes, FinishedSpan, Tracer } from './telemetry/tracer.js'
export { Work } from './telemetry/work.js'
export {
  openSecurity,
  openToolsSecurity,
  type PublicTlsConfig,
  readPublicTls,
  readTls,
  readToolsTls,
  serverTls,
  type TlsConfig,
  withTls,
} from './tls.js'
export {
  addressVariables,
  callersOf,
  grpcPort,
  type InternalServiceName,
  internalServiceNames,
  localGrpcAddress,
  localOpsAddress,
  localPlainOpsAddress,
  opsPort,
  PORT_DEFAULT,
  PORT_MAX,
  type PortUse,
  portUses,
  type Role,
  roles,
  type ServiceName,
  serviceNames,
  stopOrder,
  topology,
} from './topology.js'
export { type TraceFields, traceFields } from './trace-fields.js'
