import {
  type handleUnaryCall,
  Server,
  ServerCredentials,
  type ServerOptions,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js'
import { HealthImplementation } from 'grpc-health-check'
import { serviceOf } from '../topology.js'
import { checkCallers } from './callers.js'
import { type RpcContext, withDefaults } from './context.js'
import { frontOptions, type GrpcFrontLimits } from './grpc-front.js'
import { grpcHandler } from './grpc-handlers.js'
import { HEALTH_SERVICE } from './health.js'
import { serverOptions } from './limits.js'
import { type Listener, listen } from './listener.js'
import { guarded } from './message-guard.js'
import { addReflection } from './reflection.js'
import type { Security } from './security.js'
import { type GrpcService, Served } from './served.js'

export interface GrpcServer {
  /** Where it listens, with the port that the system chose for port 0. */
  readonly port: number
  /** What grpc.health.v1 answers, for the server as a whole and for each of its services. */
  setServing(serving: boolean): void
  /** Takes nothing new, lets calls under way finish for at most graceMs, then ends the rest. */
  stop(graceMs: number): Promise<void>
}

/**
 * Starts a gRPC server with health and reflection (v1 and v1alpha). Where the transport is one of this process, its
 * services are reachable by that as well.
 *
 * @param front the limits of a server that clients from outside reach
 */
export async function startGrpcServer(
  address: string,
  services: readonly GrpcService[],
  context: RpcContext = {},
  front?: GrpcFrontLimits,
): Promise<GrpcServer> {
  const { transport, security, interceptors } = withDefaults(context)
  const served = new Served(services, interceptors, context.clock)
  const server = new GuardedServer(front ? frontOptions(front) : internalOptions(services, security))
  const names = ['', ...services.map(({ name }) => name)]
  const health = new HealthImplementation(
    Object.fromEntries(names.map((name) => [name, 'NOT_SERVING' as const])),
  )
  for (const { definition } of services) {
    server.addService(definition as unknown as ServiceDefinition, implementationOf(definition, served))
  }
  addHealth(server, health, front?.beforeHealthCheck)
  addReflection(server, [...services.map(({ name }) => name), HEALTH_SERVICE])

  // Before it listens: who shares the transport never takes the longer way.
  const unregister = transport.register(address, served)
  const listening = front
    ? listen(server, address, { ...front, tls: front.tls })
    : listenInside(server, address, security)
  const listener = await listening.catch((error: unknown) => {
    unregister()
    throw error
  })
  return {
    port: listener.port,
    setServing(serving) {
      served.isServing = serving
      for (const name of names) health.setStatus(name, serving ? 'SERVING' : 'NOT_SERVING')
    },
    async stop(graceMs) {
      unregister()
      listener.close()
      served.drain()
      await Promise.all([stopped(server, graceMs), served.stopped(graceMs)])
    },
  }
}

/** @param look resolves when the state that is answered is the one of now */
function addHealth(server: Server, health: HealthImplementation, look?: () => Promise<void>): void {
  const addService: Server['addService'] = (service, implementation) => {
    const { check } = implementation as { check: handleUnaryCall<unknown, unknown> }
    const checkNow: typeof check = (call, callback) => {
      look?.().finally(() => check(call, callback))
    }
    server.addService(service, look ? { ...implementation, check: checkNow } : implementation)
  }
  health.addToServer({ addService } as Server)
}

/** Looks at the limits of every message before it decodes it. */
class GuardedServer extends Server {
  override addService(service: ServiceDefinition, implementation: UntypedServiceImplementation): void {
    const methods = Object.entries(service).map(([name, method]) => [
      name,
      { ...method, requestDeserialize: guarded(method) },
    ])
    super.addService(Object.fromEntries(methods), implementation)
  }
}

function implementationOf(
  definition: GrpcService['definition'],
  served: Served,
): UntypedServiceImplementation {
  const implementation: UntypedServiceImplementation = {}
  for (const [name, method] of Object.entries(definition)) {
    const handled = served.method(method)
    if (handled) implementation[name] = grpcHandler(handled, served)
  }
  return implementation
}

function internalOptions(services: readonly GrpcService[], security: Security): ServerOptions {
  const [name] = services.flatMap((service) => serviceOf(service.name) ?? [])
  if (security.kind === 'insecure' || name === undefined) return serverOptions
  return { ...serverOptions, interceptors: [checkCallers(name, security)] }
}

function listenInside(server: Server, address: string, security: Security): Promise<Listener> {
  if (security.kind === 'mtls') {
    return listen(server, address, { tls: { ...security, asksForCertificates: true } })
  }
  return new Promise((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve({ port: bound, close: () => undefined }),
    )
  })
}

function stopped(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => server.forceShutdown(), graceMs)
    server.tryShutdown(() => {
      clearTimeout(force)
      resolve()
    })
  })
}
