import { readFileSync } from 'node:fs'
import { descriptorSetPath } from '@fractal-lba/proto'
import {
  Server,
  ServerCredentials,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js'
import { channelLimits, MESSAGE_BYTES_MAX } from './limits.js'

export interface GrpcService {
  /** Full name: flk.wal.v1.WalService. */
  readonly name: string
  readonly definition: ServiceDefinition
  readonly implementation: UntypedServiceImplementation
}

export interface GrpcServer {
  /** Where it listens, with the port that the system chose for port 0. */
  readonly port: number
  /** What grpc.health.v1 answers, for the server as a whole and for each of its services. */
  setServing(serving: boolean): void
  /** Takes nothing new, lets calls under way finish for at most graceMs, then ends the rest. */
  stop(graceMs: number): Promise<void>
}

type ServerParts = Awaited<ReturnType<typeof load>>
let parts: Promise<ServerParts> | undefined

/**
 * Loads what only a server needs, once. It takes a third of a second: who has something else to wait for first, such
 * as a log to be read, asks for it before.
 */
export function loadServerParts(): Promise<ServerParts> {
  parts ??= load()
  return parts
}

async function load() {
  const [{ loadFileDescriptorSetFromBuffer }, { ReflectionService }, { HealthImplementation }] =
    await Promise.all([import('@grpc/proto-loader'), import('@grpc/reflection'), import('grpc-health-check')])
  const everything = loadFileDescriptorSetFromBuffer(readFileSync(descriptorSetPath), { keepCase: true })
  return { everything, ReflectionService, HealthImplementation }
}

/** Starts a gRPC server with health and reflection (v1 and v1alpha). Insecure: for the loopback. */
export async function startGrpcServer(
  address: string,
  services: readonly GrpcService[],
): Promise<GrpcServer> {
  const server = new Server({
    ...channelLimits,
    'grpc.max_receive_message_length': MESSAGE_BYTES_MAX,
    'grpc.max_send_message_length': MESSAGE_BYTES_MAX,
    'grpc.max_concurrent_streams': 1024,
  })
  const { HealthImplementation, ReflectionService, everything } = await loadServerParts()
  const names = ['', ...services.map(({ name }) => name)]
  const health = new HealthImplementation(
    Object.fromEntries(names.map((name) => [name, 'NOT_SERVING' as const])),
  )
  for (const { definition, implementation } of services) server.addService(definition, implementation)
  health.addToServer(server)
  new ReflectionService(everything, { services: services.map(({ name }) => name) }).addToServer(server)

  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    )
  })
  return {
    port,
    setServing(serving) {
      for (const name of names) health.setStatus(name, serving ? 'SERVING' : 'NOT_SERVING')
    },
    stop(graceMs) {
      return new Promise((resolve) => {
        const force = setTimeout(() => server.forceShutdown(), graceMs)
        server.tryShutdown(() => {
          clearTimeout(force)
          resolve()
        })
      })
    },
  }
}
