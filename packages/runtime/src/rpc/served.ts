import { setMaxListeners } from 'node:events'
import type { ClockExchange } from '../clock/process-clock.js'
import type { CallContext } from './call-context.js'
import { healthAnswer, healthCheck } from './health.js'
import { type Around, around, type Interceptor } from './interceptors.js'
import {
  type BatchNames,
  type Definition,
  type GivenBy,
  type MethodDefinition,
  nameOf,
  type ReceivedBy,
  type StreamNames,
  type UnaryNames,
} from './method.js'

/** What a handler is told of a call beside the request. */
export interface HandledCall {
  readonly context: CallContext | undefined
  /** Aborted when the server stops: what has no end of its own ends then. */
  readonly draining: AbortSignal
  /** Tells the caller something beside the answer or the error, where the transport has a place for it. */
  readonly tell?: ((name: string, value: string) => void) | undefined
  /** Who is at the other end; undefined within one process. Unary calls alone. */
  readonly caller?: CallerAddress | undefined
  /** x-request-id of its metadata, as it came. Unary calls alone. */
  readonly requestId?: string | undefined
}

export interface CallerAddress {
  /** Address of the other end of the connection, without its port. */
  readonly peer: string
  /** What a proxy before it says of whom it forwards for, as it came. */
  readonly forwardedFor: string | undefined
}

export interface HandledStream extends HandledCall {
  /** Aborted when the caller is gone. */
  readonly gone: AbortSignal
}

export interface HandledBatch {
  /** Of each item, up to the last that has one. */
  readonly contexts: readonly (CallContext | undefined)[]
}

type ReceivedItems<M extends MethodDefinition> = ReceivedBy<M> extends { items: infer Items } ? Items : never
type GivenResult<M extends MethodDefinition> =
  GivenBy<M> extends { results: (infer Result)[] } ? Result : never

/**
 * What a service does, method by method. What a handler throws, the caller gets as the table of errors says.
 * A batch's handler gives one result for each item, in their order, and reports what is wrong with an item as that
 * item's result: if it throws, all of the batch fails and its stream ends.
 */
export type Handlers<D extends Definition> = {
  readonly [M in UnaryNames<D>]: (
    request: ReceivedBy<D[M]>,
    call: HandledCall,
  ) => GivenBy<D[M]> | Promise<GivenBy<D[M]>>
} & {
  readonly [M in StreamNames<D>]: (
    request: ReceivedBy<D[M]>,
    call: HandledStream,
  ) => AsyncIterable<GivenBy<D[M]>>
} & {
  readonly [M in BatchNames<D>]: (
    items: ReceivedItems<D[M]>,
    batch: HandledBatch,
  ) => GivenResult<D[M]>[] | Promise<GivenResult<D[M]>[]>
}

/** A service with what it does. */
export interface GrpcService {
  /** flk.wal.v1.WalService */
  readonly name: string
  readonly definition: Definition
  readonly handlers: Readonly<Record<string, unknown>>
  readonly onError: (error: unknown) => void
}

/** @param onError told of each error that a handler throws, before the caller is */
export function grpcService<D extends Definition>(
  definition: D,
  handlers: Partial<Handlers<D>>,
  onError: (error: unknown) => void = () => undefined,
): GrpcService {
  const [method] = Object.values(definition)
  if (!method) throw new Error('a service without a method cannot be served')
  return { name: nameOf(method).service, definition, handlers: { ...handlers }, onError }
}

interface Common {
  readonly definition: MethodDefinition
  readonly around: Around | undefined
  readonly onError: (error: unknown) => void
}

export interface ServedUnary extends Common {
  readonly kind: 'unary'
  readonly handle: (request: unknown, call: HandledCall) => unknown
}

export interface ServedStream extends Common {
  readonly kind: 'stream'
  readonly handle: (request: unknown, call: HandledStream) => AsyncIterable<unknown>
}

export interface ServedBatches extends Common {
  readonly kind: 'batch'
  readonly handle: (
    items: readonly unknown[],
    batch: HandledBatch,
  ) => readonly unknown[] | Promise<readonly unknown[]>
}

export type ServedMethod = ServedUnary | ServedStream | ServedBatches

/** All methods of one server, whatever carries their calls. */
export class Served {
  readonly #methods = new Map<string, ServedMethod>()
  readonly #draining = new AbortController()
  readonly #cut = new AbortController()
  #underWay = 0
  #idle: (() => void) | undefined
  /** What grpc.health.v1 says of the server. */
  isServing = false
  /** Told to callers, and takes note of theirs. */
  readonly clock: ClockExchange | undefined

  constructor(
    services: readonly GrpcService[],
    interceptors: readonly Interceptor[],
    clock: ClockExchange | undefined,
  ) {
    this.clock = clock
    // Each call and each stream under way listens, and lets go at its end: as many as there are calls.
    setMaxListeners(0, this.draining, this.cut)
    for (const service of services) {
      for (const [name, definition] of Object.entries(service.definition)) {
        const handle = service.handlers[name]
        if (handle === undefined) continue
        this.#methods.set(definition.path, servedMethod(service, handle, definition, interceptors))
      }
    }
    // Where gRPC carries the calls, the health service of its own package answers.
    const isServing = (): unknown => healthAnswer(this.isServing)
    const health = { kind: 'unary', definition: healthCheck, handle: isServing } as const
    this.#methods.set(healthCheck.path, { ...health, around: undefined, onError: () => undefined })
  }

  /** Aborted when the server stops: streams of batches end as soon as nothing of theirs is under way. */
  get draining(): AbortSignal {
    return this.#draining.signal
  }

  drain(): void {
    this.#draining.abort()
  }

  /** Aborted when the grace of a stop is over. */
  get cut(): AbortSignal {
    return this.#cut.signal
  }

  /** Counts a call that the gRPC server does not see. The function that comes back is called once, at its end. */
  enter(): () => void {
    this.#underWay += 1
    return () => {
      this.#underWay -= 1
      if (this.#underWay === 0) this.#idle?.()
    }
  }

  /** Resolves when what was entered has ended; after graceMs it is cut. */
  stopped(graceMs: number): Promise<void> {
    if (this.#underWay === 0) return Promise.resolve()
    return new Promise((resolve) => {
      const force = setTimeout(() => {
        this.#cut.abort()
        resolve()
      }, graceMs)
      this.#idle = () => {
        clearTimeout(force)
        resolve()
      }
    })
  }

  method({ path }: MethodDefinition): ServedMethod | undefined {
    return this.#methods.get(path)
  }
}

function servedMethod(
  { onError }: GrpcService,
  handle: unknown,
  definition: MethodDefinition,
  interceptors: readonly Interceptor[],
): ServedMethod {
  const kind = definition.requestStream ? 'batch' : definition.responseStream ? 'stream' : 'unary'
  const around_ = around(interceptors, { ...nameOf(definition), end: 'server', kind })
  return { kind, definition, around: around_, onError, handle } as ServedMethod
}
