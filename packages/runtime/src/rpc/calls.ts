import { monotonicMs } from '../clock/monotonic.js'
import type { ClockExchange } from '../clock/process-clock.js'
import { type AppError, late, toAppError, unavailable } from '../errors.js'
import { type CallOptions, hopDeadlineMs } from './call-context.js'
import type { Endpoints } from './endpoints.js'
import { type Around, beginCall } from './interceptors.js'
import type { MethodDefinition } from './method.js'
import type { Channel, ChannelCall, Endpoint } from './transport.js'

export interface UnaryOptions extends CallOptions {
  /** Instead of the hop's. */
  readonly timeoutMs?: number
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

  constructor(parts: CallsParts) {
    this.#parts = parts
  }

  async unary(
    method: MethodDefinition,
    around: Around | undefined,
    request: unknown,
    { deadlineMs: wholeMs, context, timeoutMs = this.#parts.timeoutMs }: UnaryOptions,
  ): Promise<unknown> {
    const deadlineMs = hopDeadlineMs(timeoutMs, wholeMs)
    const call = beginCall(around, context)
    const errors: unknown[] = []
    try {
      const channel = await this.#connected(deadlineMs)
      const { clock } = this.#parts
      return await channel.unary(method, request, { deadlineMs, context: call.context, clock })
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
      const channel = await this.#connected(Math.min(deadlineMs, monotonicMs() + hopMs))
      yield* this.#read(channel, method, request, { deadlineMs, context }, { silenceMs, signal })
    } catch (error) {
      errors.push(error)
      throw error
    } finally {
      end?.({ endedMs: monotonicMs(), errors })
    }
  }

  close(): void {
    for (const cancel of this.#streams) cancel()
    for (const channel of this.#channels.values()) channel.close()
    this.#channels.clear()
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

  /** A channel that is connected: the next one's, or where that server is not reachable, another one's. */
  async #connected(deadlineMs: number): Promise<Channel> {
    const endpoints = await this.#parts.endpoints.first()
    this.#forgetOthers(endpoints)
    let refused: AppError | undefined
    for (let tries = 0; tries < Math.min(2, endpoints.length); tries += 1) {
      this.#turn = (this.#turn + 1) % endpoints.length
      const endpoint = endpoints[this.#turn]
      if (!endpoint) break
      const channel = this.#channel(endpoint)
      if (channel.isReady) return channel
      try {
        await channel.ready(deadlineMs)
        return channel
      } catch (error) {
        refused = toAppError(error)
      }
    }
    throw refused ?? unavailable(`${this.#parts.service} is not reachable`)
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
