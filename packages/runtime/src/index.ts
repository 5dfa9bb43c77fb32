export { BatchClient, type BatchClientOptions, type BatchLimits } from './batch-client.js'
export { BATCH_ITEMS_MAX, batchHandler } from './batch-server.js'
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
export { clientOptions, MESSAGE_BYTES_MAX } from './grpc-limits.js'
export { type GrpcServer, type GrpcService, loadServerParts, startGrpcServer } from './grpc-server.js'
export { connectHealth, type HealthClient } from './health-client.js'
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
export { streamHandler } from './server-stream.js'
export { readServiceConfig, type ServiceConfig, type ServiceParts, serve } from './service.js'
export { type Clock, TrustedClock, watchClock } from './trusted-clock.js'
export { callUnary, unaryHandler } from './unary.js'
