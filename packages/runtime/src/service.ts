import type { Env } from './env.js'
import { type ReadyReport, startOpsServer } from './ops-server.js'
import { type CommonConfig, type ProcessContext, type Running, readCommonConfig } from './process.js'
import { type GrpcServer, type GrpcService, startGrpcServer } from './rpc/grpc-server.js'

/** The variables that every internal service reads. */
export interface ServiceConfig extends CommonConfig {
  readonly grpcAddress: string
  readonly metricsAddress: string
}

/** @param port the port of this service in the local start, when PORT is 8080 (contract, section 8). */
export function readServiceConfig(env: Env, port: number): ServiceConfig {
  return {
    ...readCommonConfig(env),
    grpcAddress: env.address('GRPC_ADDR', `127.0.0.1:${port}`),
    metricsAddress: env.address('METRICS_ADDR', `127.0.0.1:${port + 1000}`),
  }
}

export interface ServiceParts {
  readonly services: readonly GrpcService[]
  readonly ready: () => ReadyReport
  /** Called after the last call was answered. */
  readonly close: () => Promise<void>
}

/** The one way in which an internal service serves: gRPC with health and reflection beside the plain HTTP port. */
export async function serve(
  config: ServiceConfig,
  context: ProcessContext,
  parts: ServiceParts,
): Promise<Running> {
  const ops = await startOpsServer(config.metricsAddress, {
    registry: context.registry,
    auth: config.metricsAuth,
    ready: () =>
      context.stopping.aborted
        ? { status: 'not_ready', detail: 'stopping', dependencies: {} }
        : parts.ready(),
  })
  const grpc = await startGrpcServer(config.grpcAddress, parts.services)
  const follow = followReadiness(grpc, parts.ready)
  return {
    async stop() {
      clearInterval(follow)
      grpc.setServing(false)
      await grpc.stop(config.stopGraceMs)
      await parts.close()
      await ops.close()
    },
  }
}

/** grpc.health.v1 says what /ready says, at most half a second later. */
function followReadiness(grpc: GrpcServer, ready: () => ReadyReport): NodeJS.Timeout {
  const update = (): void => grpc.setServing(ready().status !== 'not_ready')
  update()
  return setInterval(update, 500)
}
