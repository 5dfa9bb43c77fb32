import { type ServiceName, serviceOf } from '../topology.js'
import { BatchClient, type BatchOptions } from './batch-client.js'
import { Calls, type StreamOptions, type UnaryOptions } from './calls.js'
import { type RpcContext, withDefaults } from './context.js'
import { Endpoints } from './endpoints.js'
import { EVERYTHING, healthCheck, saysServing } from './health.js'
import { type Around, around, type MethodEnd } from './interceptors.js'
import { defaultHopLimits, type HopLimits } from './limits.js'
import {
  type BatchNames,
  type Definition,
  type ItemOf,
  type MethodDefinition,
  nameOf,
  type RequestOf,
  type ResponseOf,
  type ResultOf,
  type StreamNames,
  type UnaryNames,
} from './method.js'
import { type Resolve, resolveHost } from './resolved-name.js'
import { followIdentity, towards } from './security.js'
import type { Endpoint } from './transport.js'

/** A service, as who calls it has it. Everything it rejects with is an AppError. */
export interface Peer<D extends Definition> {
  unary<M extends UnaryNames<D>>(
    method: M,
    request: RequestOf<D[M]>,
    options?: UnaryOptions,
  ): Promise<ResponseOf<D[M]>>
  /** Responses as they come; who stops to read ends it. */
  stream<M extends StreamNames<D>>(
    method: M,
    request: RequestOf<D[M]>,
    options?: StreamOptions,
  ): AsyncGenerator<ResponseOf<D[M]>>
  /** One client for all calls of the operation; it is closed with the peer. */
  batches<M extends BatchNames<D>, Answer>(
    method: M,
    options: BatchOptions<ItemOf<D[M]>, ResultOf<D[M]>, Answer>,
  ): BatchClient<ItemOf<D[M]>, ResultOf<D[M]>, Answer>
  /** Whether it says by grpc.health.v1 that it is serving; false also when it says nothing in time. */
  isServing(timeoutMs?: number): Promise<boolean>
  /** Ends everything that is under way. */
  close(): void
}

export interface ConnectOptions {
  /** Names the service in errors: "wal". */
  readonly service: string
  /** host:port, or several; a name may have several addresses. */
  readonly address: string | readonly string[]
  /** The name stands for one server, and nothing is asked while it has the addresses of several. Default false. */
  readonly isOneServer?: boolean
  /** What is not given here is the default. */
  readonly limits?: Partial<HopLimits>
  readonly resolve?: Resolve
}

/** The one way to call another service. Connects when it is first used. */
export function connect<D extends Definition>(
  definition: D,
  { service, address, isOneServer = false, limits: given, resolve = resolveHost }: ConnectOptions,
  context: RpcContext = {},
): Peer<D> {
  const { transport, security, interceptors } = withDefaults(context)
  const limits = { ...defaultHopLimits, ...given }
  const names = typeof address === 'string' ? [address] : address
  const endpoints = new Endpoints(names, (name) => transport.knows(name), {
    ...{ resolve, isOneServer, everyMs: limits.resolveEveryMs },
  })
  const secured = towards(security, serverOf(definition))
  const open = (endpoint: Endpoint) => transport.open(endpoint, secured)
  const { clock } = context
  const calls = new Calls({ service, endpoints, open, timeoutMs: limits.timeoutMs, clock })
  const batchClients: { reopen(): void; close(): void }[] = []
  const stopFollowing = followIdentity(security, () => {
    calls.reopen()
    for (const client of batchClients) client.reopen()
  })
  const arounds = new Map<MethodDefinition, Around | undefined>()
  const aroundOf = (method: MethodDefinition): Around | undefined => {
    if (!arounds.has(method)) {
      const kind = method.responseStream ? 'stream' : 'unary'
      arounds.set(method, around(interceptors, { ...nameOf(method), end: 'client', kind }))
    }
    return arounds.get(method)
  }
  const unary = (method: MethodDefinition, request: unknown, options: UnaryOptions): Promise<unknown> =>
    calls.unary(method, aroundOf(method), request, options)
  return {
    unary: (name, request, options = {}) =>
      unary(methodOf(definition, name), request, options) as Promise<ResponseOf<D[typeof name]>>,
    stream(name, request, options = {}) {
      const method = methodOf(definition, name)
      const responses = calls.stream(method, aroundOf(method), request, options)
      return responses as AsyncGenerator<ResponseOf<D[typeof name]>>
    },
    batches(name, options) {
      const method = methodOf(definition, name)
      const describe = options.describe as MethodEnd['describe']
      const client = new BatchClient({ service, method, endpoints, open, limits }, options, (queuedItems) =>
        around(interceptors, { ...nameOf(method), end: 'client', kind: 'batch', queuedItems, describe }),
      )
      batchClients.push(client)
      return client
    },
    async isServing(timeoutMs = limits.timeoutMs) {
      try {
        return saysServing(await unary(healthCheck, EVERYTHING, { timeoutMs, idempotent: true }))
      } catch {
        // Whatever went wrong, it did not say that it is serving: that is the answer.
        return false
      }
    },
    close() {
      stopFollowing()
      for (const client of batchClients) client.close()
      calls.close()
    },
  }
}

function serverOf(definition: Definition): ServiceName | undefined {
  const [method] = Object.values(definition)
  return method && serviceOf(nameOf(method).service)
}

function methodOf<D extends Definition>(definition: D, name: string): MethodDefinition {
  const method = definition[name]
  if (!method) throw new Error(`the service has no method ${name}`)
  return method
}
