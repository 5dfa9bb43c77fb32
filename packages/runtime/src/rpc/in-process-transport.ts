import { monotonicMs } from '@fractal-lba/clock'
import { crossed, late, notConnected, notImplemented, toAppError } from '../errors.js'
import { BatchSession } from './batch-session.js'
import { grpcTransport } from './grpc-transport.js'
import { beginCall } from './interceptors.js'
import type { MethodDefinition } from './method.js'
import type { Served, ServedMethod, ServedStream, ServedUnary } from './served.js'
import type {
  BatchRequest,
  BatchStream,
  BatchStreamEvents,
  Channel,
  ChannelCall,
  ResponseStream,
  Transport,
} from './transport.js'

/**
 * Plain calls between services of one process: the same handlers, limits, deadlines and errors, without a codec. What
 * was never registered is reached by gRPC.
 */
export function inProcessTransport(): Transport {
  /** Undefined: it is stopped, and may be started again. */
  const servers = new Map<string, Served | undefined>()
  return {
    knows: (name) => servers.has(name),
    open(endpoint, security) {
      if (!servers.has(endpoint.name)) return grpcTransport.open(endpoint, security)
      return new InProcessChannel(() => servers.get(endpoint.name))
    },
    register(address, served) {
      servers.set(address, served)
      return () => {
        if (servers.get(address) === served) servers.set(address, undefined)
      }
    },
  }
}

class InProcessChannel implements Channel {
  readonly #current: () => Served | undefined
  readonly #closed = new AbortController()

  /** @param current the server that runs now: as a connection of gRPC, a channel outlives its server. */
  constructor(current: () => Served | undefined) {
    this.#current = current
  }

  get isReady(): boolean {
    return this.#current()?.draining.aborted === false
  }

  async ready(): Promise<void> {
    if (!this.isReady) throw notConnected()
  }

  onLeave(callback: () => void): void {
    this.#server().draining.addEventListener('abort', callback, { once: true, signal: this.#closed.signal })
  }

  async unary(method: MethodDefinition, request: unknown, call: ChannelCall): Promise<unknown> {
    const server = this.#server()
    const served = find(server, method, 'unary')
    const leave = server.enter()
    exchangeClocks(call, server)
    const work = handleUnary(served, incoming(served, method, request), server, call).finally(leave)
    return outgoing(served, method, await untilCut(work, server.cut, call.deadlineMs))
  }

  stream(method: MethodDefinition, request: unknown, call: ChannelCall): ResponseStream {
    const gone = new AbortController()
    const responses = this.#responses(method, request, call, gone)
    return { responses, cancel: () => gone.abort() }
  }

  batches(method: MethodDefinition, events: BatchStreamEvents): BatchStream {
    const server = this.#server()
    const leave = server.enter()
    let over = false
    const once = (tell: () => void): void => {
      if (over) return
      over = true
      leave()
      server.cut.removeEventListener('abort', onCut)
      tell()
    }
    const onCut = (): void => once(() => events.broken(notConnected()))
    server.cut.addEventListener('abort', onCut, { once: true })
    let session: BatchSession | undefined
    queueMicrotask(() => {
      if (over) return
      try {
        const served = find(server, method, 'batch')
        session = new BatchSession(served, server.draining, {
          respond(response) {
            if (!over) events.response(response)
          },
          end: () => once(() => events.ended()),
          fail: (error) => once(() => events.broken(crossed(error))),
        })
      } catch (error) {
        once(() => events.broken(toAppError(error)))
      }
    })
    return {
      send: (request: BatchRequest) => queueMicrotask(() => session?.receive(request)),
      cancel: () => once(() => session?.close()),
    }
  }

  close(): void {
    this.#closed.abort()
  }

  #server(): Served {
    const server = this.#current()
    if (!server) throw notConnected()
    return server
  }

  async *#responses(
    method: MethodDefinition,
    request: unknown,
    call: ChannelCall,
    gone: AbortController,
  ): AsyncGenerator<unknown> {
    const server = this.#server()
    const served: ServedStream = find(server, method, 'stream')
    const leave = server.enter()
    const { draining, cut } = server
    const { context, end } = beginCall(served.around, call.context)
    const over = AbortSignal.any([gone.signal, cut])
    let iterator: AsyncIterator<unknown> | undefined
    const errors: unknown[] = []
    const failed = (error: unknown): never => {
      errors.push(error)
      served.onError(error)
      throw crossed(error)
    }
    const next = async (): Promise<IteratorResult<unknown>> => {
      iterator ??= served
        .handle(incoming(served, method, request), { context, draining, gone: gone.signal })
        [Symbol.asyncIterator]()
      return iterator.next()
    }
    try {
      for (;;) {
        const { done, value } = await untilCut(next().catch(failed), over, call.deadlineMs)
        if (done) return
        yield outgoing(served, method, value)
      }
    } finally {
      gone.abort()
      iterator?.return?.().catch(() => undefined)
      end?.({ endedMs: monotonicMs(), errors })
      leave()
    }
  }
}

/** No time passes on the way. */
function exchangeClocks({ clock: caller }: ChannelCall, { clock: server }: Served): void {
  if (!caller || !server) return
  const nowMs = monotonicMs()
  caller.notePeer(server.reading(), nowMs, nowMs)
  server.notePeer(caller.reading(), nowMs, nowMs)
}

function find<Kind extends ServedMethod['kind']>(
  server: Served,
  method: MethodDefinition,
  kind: Kind,
): Extract<ServedMethod, { kind: Kind }> {
  const served = server.method(method)
  if (served?.kind !== kind) throw notImplemented()
  return served as Extract<ServedMethod, { kind: Kind }>
}

async function handleUnary(
  served: ServedUnary,
  request: unknown,
  { draining }: Served,
  call: ChannelCall,
): Promise<unknown> {
  const { context, end } = beginCall(served.around, call.context)
  try {
    const response = await served.handle(request, { context, draining })
    end?.({ endedMs: monotonicMs(), errors: [] })
    return response
  } catch (error) {
    end?.({ endedMs: monotonicMs(), errors: [error] })
    served.onError(error)
    throw crossed(error)
  }
}

/** What a handler may take other than the caller gives it: a gateway reads records only as far as their edges. */
function incoming({ definition }: ServedMethod, method: MethodDefinition, request: unknown): unknown {
  if (definition.requestDeserialize === method.requestDeserialize) return request
  return definition.requestDeserialize((method.requestSerialize as (value: unknown) => Buffer)(request))
}

function outgoing({ definition }: ServedMethod, method: MethodDefinition, response: unknown): unknown {
  if (definition.responseSerialize === method.responseSerialize) return response
  return method.responseDeserialize((definition.responseSerialize as (value: unknown) => Buffer)(response))
}

/** Rejects when the deadline passes or the signal comes before the work is done. */
function untilCut<T>(work: Promise<T>, cut: AbortSignal, deadlineMs: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const onCut = (): void => settle(() => reject(notConnected()))
    const timer = Number.isFinite(deadlineMs)
      ? setTimeout(() => settle(() => reject(late())), Math.max(0, deadlineMs - monotonicMs()))
      : undefined
    const settle = (then: () => void): void => {
      clearTimeout(timer)
      cut.removeEventListener('abort', onCut)
      then()
    }
    if (cut.aborted) onCut()
    else cut.addEventListener('abort', onCut, { once: true })
    work.then(
      (value) => settle(() => resolve(value)),
      (error: unknown) => settle(() => reject(error)),
    )
  })
}
