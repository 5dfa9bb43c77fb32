import type { ClockExchange } from '../clock/process-clock.js'
import type { Registry } from '../metrics.js'
import { grpcTransport } from './grpc-transport.js'
import { hopMetrics } from './hop-metrics.js'
import type { Interceptor } from './interceptors.js'
import { insecure, type Security } from './security.js'
import type { Transport } from './transport.js'

/** What both ends of every call have in common in one process. */
export interface RpcContext {
  /** gRPC unless told otherwise. */
  readonly transport?: Transport
  /** Insecure unless told otherwise. */
  readonly security?: Security
  /** Where each hop is measured; nowhere unless told. */
  readonly registry?: Registry
  readonly interceptors?: readonly Interceptor[]
  /** The clock that is told with each unary call and its answer, and takes note of the other end's. */
  readonly clock?: ClockExchange | undefined
}

export function withDefaults(context: RpcContext): {
  readonly transport: Transport
  readonly security: Security
  readonly interceptors: readonly Interceptor[]
} {
  const { transport = grpcTransport, security = insecure, registry, interceptors = [] } = context
  return {
    transport,
    security,
    interceptors: registry ? [hopMetrics(registry), ...interceptors] : interceptors,
  }
}
