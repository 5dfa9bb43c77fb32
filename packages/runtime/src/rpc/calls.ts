import { monotonicMs } from '@fractal-lba/clock'
import type { ClockExchange } from '../clock/process-clock.js'
import { late, toAppError, unavailable } from '../errors.js'
import { type CallOptions, hopDeadlineMs } from './call-context.js'
import type { Endpoints } from './endpoints.js'
import { type Around, beginCall } from './interceptors.js'
import type { MethodDefinition } from './method.js'
import type { Channel, ChannelCall, Endpoint } from './transport.js'

export interface UnaryOptions extends CallOptions {
  /** Instead of the hop's. */
  readonly timeoutMs?: number
  /** Asked twice, it does what it does asked once: where a server is unavailable, another one is asked in the time left. */
  readonly idempotent?: boolean
}

export interface StreamOptions extends CallOptions {
  /** For the whole stream; without it a stream may go on as long as it says something. */
  readonly timeoutMs?: number
  /** The longest wait for the next response; ten times the hop's timeout unless told. */
  readonly silenceMs?: number
  readonly signal?: AbortSignal
}

interface CallsParts {
  /** Names the service in errors: "wal". */
  readonly service: string
  readonly endpoints: Endpoints
  readonly open: (endpoint: Endpoint) => Channel
  readonly timeoutMs: number
  readonly clock: ClockExchange | undefined
}

const SILENCE_HOPS_MAX = 10

/** Unary calls and streams to the servers behind one name, in turn: one channel for each. */
export class Calls {
  readonly #parts: CallsParts
  readonly #channels = new Map<string, Channel>()
  readonly #streams = new Set<() => void>()
  #turn = 0
  #isClosed = false

  constructor(parts: CallsParts) {
    this.#parts = parts
  }

  async unary(
    method: MethodDefinition,
    around: Around | undefined,
    request: unknown,
    options: UnaryOptions,
  ): Promise<unknown> {
    const call = beginCall(around, options.context)
    const errors: unknown[] = []
    try {
      return await this.#ask(method, request, { ...options, context: call.context })
    } catch (error) {
      errors.push(error)
      throw error
    } finally {
      call.end?.({ endedMs: monotonicMs(), errors })
    }
  }

  async *stream(
    method: MethodDefinition,
    around: Around | undefined,
    request: unknown,
    options: StreamOptions,
  ): AsyncGenerator<unknown> {
    const { timeoutMs: hopMs } = this.#parts
    const { signal, silenceMs = hopMs * SILENCE_HOPS_MAX } = options
    const deadlineMs = hopDeadlineMs(options.timeoutMs ?? Number.POSITIVE_INFINITY, options.deadlineMs)
    const { context, end } = beginCall(around, options.context)
    const errors: unknown[] = []
    try {
      for await (const { channel } of this.#connected(Math.min(deadlineMs, monotonicMs() + hopMs))) {
        yield* this.#read(channel, method, request, { deadlineMs, context }, { silenceMs, signal })
        return
      }
    } catch (error) {
      errors.push(error)
      throw error
    } finally {
      end?.({ endedMs: monotonicMs(), errors })
    }
  }

  async #ask(
    method: MethodDefinition,
    request: unknown,
    { deadlineMs: wholeMs, context, timeoutMs = this.#parts.timeoutMs, idempotent = false }: UnaryOptions,
  ): Promise<unknown> {
    const { clock } = this.#parts
    const hopMs = hopDeadlineMs(timeoutMs, wholeMs)
    const endMs = idempotent ? (wholeMs ?? hopMs) : hopMs
    let triesLeft = idempotent ? 2 : 1
    let failure: unknown
    for await (const { channel, isLast } of this.#connected(endMs)) {
      triesLeft -= 1
      const mayAskAnother = triesLeft > 0 && !isLast
      const deadlineMs = hopDeadlineMs(timeoutMs, mayAskAnother ? halfwayMs(endMs) : endMs)
      try {
        return await channel.unary(method, request, { deadlineMs, context, clock })
      } catch (error) {
        failure = error
        if (!mayAskAnother || toAppError(error).code !== 'unavailable') break
      }
    }
    throw failure
  }

  /** Later calls go over new channels; those under way end in peace on the old ones. */
  reopen(): void {
    for (const channel of this.#channels.values()) channel.close()
    this.#channels.clear()
  }

  close(): void {
    this.#isClosed = true
    for (const cancel of this.#streams) cancel()
    this.reopen()
  }

  async *#read(
    channel: Channel,
    method: MethodDefinition,
    request: unknown,
    call: ChannelCall,
    { silenceMs, signal }: { silenceMs: number; signal: AbortSignal | undefined },
  ): AsyncGenerator<unknown> {
    const stream = channel.stream(method, request, call)
    const cancel = (): void => stream.cancel()
    let silent = false
    const silence = setTimeout(() => {
      silent = true
      cancel()
    }, silenceMs)
    this.#streams.add(cancel)
    signal?.addEventListener('abort', cancel, { once: true })
    if (signal?.aborted) cancel()
    try {
      for await (const response of stream.responses) {
        yield response
        silence.refresh()
      }
    } catch (error) {
      throw silent ? late() : error
    } finally {
      clearTimeout(silence)
      this.#streams.delete(cancel)
      signal?.removeEventListener('abort', cancel)
      cancel()
    }
  }

  /**
   * Channels that are connected, to one server after the other, the next one in turn first. Who is waited for leaves half
   * of the time to the others. @throws AppError unavailable where none is reachable
   */
  async *#connected(endMs: number): AsyncGenerator<{ readonly channel: Channel; readonly isLast: boolean }> {
    const { endpoints: names, service } = this.#parts
    const endpoints = await names.first()
    this.#forgetOthers(endpoints)
    this.#turn = (this.#turn + 1) % Math.max(1, endpoints.length)
    const inTurn = [...endpoints.slice(this.#turn), ...endpoints.slice(0, this.#turn)]
    let isReachable = false
    let refused = unavailable(names.refusal ?? `${service} is not reachable`)
    for (const [index, endpoint] of inTurn.entries()) {
      const isLast = index === inTurn.length - 1
      let channel: Channel
      try {
        channel = await this.#ready(endpoint, isLast ? endMs : halfwayMs(endMs))
      } catch (error) {
        refused = toAppError(error)
        continue
      }
      isReachable = true
      yield { channel, isLast }
    }
    if (!isReachable) throw refused
  }

  /** Connected; where the channel is let go of meanwhile, because its certificate is no more, its successor. */
  async #ready(endpoint: Endpoint, endMs: number): Promise<Channel> {
    for (;;) {
      const channel = this.#channel(endpoint)
      try {
        if (!channel.isReady) await channel.ready(endMs)
        return channel
      } catch (error) {
        const isLetGo = this.#channels.get(endpoint.address) !== channel
        if (!isLetGo || this.#isClosed || monotonicMs() >= endMs) throw error
      }
    }
  }

  #channel(endpoint: Endpoint): Channel {
    const existing = this.#channels.get(endpoint.address)
    if (existing) return existing
    const channel = this.#parts.open(endpoint)
    this.#channels.set(endpoint.address, channel)
    return channel
  }

  /** Calls under way on a channel that is closed still end in peace. */
  #forgetOthers(endpoints: readonly Endpoint[]): void {
    if (this.#channels.size <= endpoints.length) return
    const addresses = new Set(endpoints.map(({ address }) => address))
    for (const [address, channel] of this.#channels) {
      if (addresses.has(address)) continue
      channel.close()
      this.#channels.delete(address)
    }
  }
}

/** Halfway from now to a monotonic time. */
function halfwayMs(endMs: number): number {
  return (monotonicMs() + endMs) / 2
}
