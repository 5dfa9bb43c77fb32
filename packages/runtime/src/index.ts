export { monotonicMs } from './clock.js'
export { ConfigError, Env, type HostPort, parseAddress, type Range } from './env.js'
export {
  AppError,
  type ErrorCode,
  type ErrorDetails,
  errorTable,
  fromServiceError,
  fromStatus,
  toAppError,
  toServiceError,
  toStatus,
  unavailable,
  type Violation,
} from './errors.js'
export { createLogger, type Logger, type LogLevel } from './logger.js'
export { Counter, createRegistry, Gauge, Histogram, LATENCY_BUCKETS_SECONDS, Registry } from './metrics.js'
export {
  type BasicAuth,
  type Dependency,
  type DependencyState,
  mayReadMetrics,
  type ReadyReport,
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
export { BatchClient, type BatchClientOptions, type BatchLimits } from './rpc/batch-client.js'
export { BATCH_ITEMS_MAX, batchHandler } from './rpc/batch-handler.js'
export { type GrpcServer, type GrpcService, loadServerParts, startGrpcServer } from './rpc/grpc-server.js'
export { connectHealth, type HealthClient } from './rpc/health.js'
export { clientOptions, MESSAGE_BYTES_MAX } from './rpc/limits.js'
export { streamHandler } from './rpc/server-stream.js'
export { callUnary, unaryHandler } from './rpc/unary.js'
export { readServiceConfig, type ServiceConfig, type ServiceParts, serve } from './service.js'
export {
  readAddress,
  readAddresses,
  readDataDirectory,
  readDedupTtlMs,
  readHopTimeoutMs,
  readHost,
  readPort,
  readSubmitTimeoutMs,
  readWalDirectory,
} from './shared-settings.js'
export {
  addressVariables,
  callersOf,
  grpcPort,
  type InternalServiceName,
  internalServiceNames,
  localGrpcAddress,
  localOpsAddress,
  opsPort,
  PORT_DEFAULT,
  PORT_MAX,
  type PortUse,
  portUses,
  type ServiceName,
  serviceNames,
  stopOrder,
  topology,
} from './topology.js'
export { type Clock, TrustedClock, watchClock } from './trusted-clock.js'
