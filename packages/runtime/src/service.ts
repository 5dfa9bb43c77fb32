import { isIPv4 } from 'node:net'
import { reportClock, withClock } from './clock/clock-report.js'
import { closingOnFailure } from './closing-on-failure.js'
import { type Env, parseAddress } from './env.js'
import { type ReadyReport, startOpsServer } from './ops-server.js'
import { type CommonConfig, type ProcessContext, type Running, readCommonConfig } from './process.js'
import { type GrpcServer, startGrpcServer } from './rpc/grpc-server.js'
import type { GrpcService } from './rpc/served.js'
import { readTls, withTls } from './tls.js'
import { type InternalServiceName, localGrpcAddress, localOpsAddress, PORT_DEFAULT } from './topology.js'

/** The variables that every internal service reads. */
export interface ServiceConfig extends CommonConfig {
  readonly grpcAddress: string
  readonly metricsAddress: string
}

/** Without addresses it listens where the local start at the default PORT has this service. */
export function readServiceConfig(env: Env, name: InternalServiceName): ServiceConfig {
  const tls = readTls(env)
  return {
    ...readCommonConfig(env),
    tls,
    grpcAddress: readGrpcAddress(env, name, tls !== undefined),
    metricsAddress: env.address('METRICS_ADDR', localOpsAddress(name, PORT_DEFAULT)),
  }
}

/** Without TLS, whoever reaches an internal service is believed: it stays on the loopback unless that is asked for. */
function readGrpcAddress(env: Env, name: InternalServiceName, hasTls: boolean): string {
  const address = env.address('GRPC_ADDR', localGrpcAddress(name, PORT_DEFAULT))
  const mayBeReached = env.flag('INSECURE_LISTEN', false)
  if (!hasTls && !mayBeReached && !isLoopback(parseAddress(address)?.host ?? '')) {
    env.mistake(
      'GRPC_ADDR is beyond the loopback, without TLS: set TLS_ENABLED=true, listen on 127.0.0.1, or set INSECURE_LISTEN=true where the network keeps others out',
    )
  }
  return address
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'))
}

export interface ServiceParts {
  readonly services: readonly GrpcService[]
  readonly ready: () => ReadyReport
  /** Called after the last call was answered, or when the service could not start to serve. */
  readonly close: () => Promise<void>
}

/** The one way in which an internal service serves: gRPC with health and reflection beside the plain HTTP port. */
export async function serve(
  config: ServiceConfig,
  context: ProcessContext,
  parts: ServiceParts,
): Promise<Running> {
  const ready = (): ReadyReport =>
    context.stopping.aborted
      ? { status: 'not_ready', detail: 'stopping', dependencies: {} }
      : withTls(withClock(parts.ready(), context.clock), context.registry)
  reportClock(context.clock, context)
  const ops = await closingOnFailure(
    startOpsServer(config.metricsAddress, { registry: context.registry, auth: config.metricsAuth, ready }),
    parts.close,
  )
  const close = async (): Promise<void> => {
    await parts.close()
    await ops.close()
  }
  const grpc = await closingOnFailure(startGrpcServer(config.grpcAddress, parts.services, context), close)
  const follow = followReadiness(grpc, parts.ready)
  return {
    async stop() {
      clearInterval(follow)
      grpc.setServing(false)
      await grpc.stop(config.stopGraceMs)
      await close()
    },
  }
}

/** grpc.health.v1 says what /ready says, at most half a second later. */
function followReadiness(grpc: GrpcServer, ready: () => ReadyReport): NodeJS.Timeout {
  const update = (): void => grpc.setServing(ready().status !== 'not_ready')
  update()
  return setInterval(update, 500)
}
