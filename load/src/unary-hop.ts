import { type BatchLimits, callUnary, clientOptions, monotonicMs, unavailable } from '@fractal-lba/runtime'
import { type ChannelOptions, credentials } from '@grpc/grpc-js'
import type { UnarySetting } from './variants.js'

type Method<Request, Response> = Parameters<typeof callUnary<Request, Response>>[0]

interface Waiting {
  readonly begin: (channel: number) => void
  readonly giveUp: (error: Error) => void
}

/** One operation of one service, asked record by record over several channels, with so many calls under way. */
export class UnaryHop<Request, Response> {
  readonly #service: string
  readonly #methods: readonly Method<Request, Response>[]
  readonly #limits: BatchLimits
  /** A channel for each call that may be started now. */
  readonly #free: number[]
  #waiting: Waiting[] = []

  /** @param methods the same operation of one client for each channel. */
  constructor(
    service: string,
    methods: readonly Method<Request, Response>[],
    { channels, callsMax }: UnarySetting,
    limits: BatchLimits,
  ) {
    this.#service = service
    this.#methods = methods
    this.#limits = limits
    this.#free = Array.from({ length: callsMax }, (_, call) => call % channels)
  }

  /**
   * @param deadlineMs on the monotonic clock.
   * @throws AppError as the service said it; unavailable when too many wait, or it waited too long.
   */
  async call(request: Request, deadlineMs = Number.POSITIVE_INFINITY): Promise<Response> {
    const untilMs = Math.min(monotonicMs() + this.#limits.timeoutMs, deadlineMs)
    const channel = this.#free.shift() ?? (await this.#turn())
    try {
      const method = this.#methods[channel]
      if (!method) throw new Error(`there is no channel ${channel}`)
      const leftMs = untilMs - monotonicMs()
      if (leftMs <= 0) throw unavailable(`${this.#service} did not answer in time`)
      return await callUnary(method, request, leftMs)
    } finally {
      const next = this.#waiting.shift()
      if (next) next.begin(channel)
      else this.#free.push(channel)
    }
  }

  close(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const { giveUp } of waiting) giveUp(unavailable(`${this.#service}: the client is closed`))
  }

  #turn(): Promise<number> {
    if (this.#waiting.length >= this.#limits.queueItemsMax) {
      throw unavailable(`${this.#service} has more work waiting than it may have`)
    }
    return new Promise((begin, giveUp) => {
      this.#waiting.push({ begin, giveUp })
    })
  }
}

/** One client for each channel, each with a connection of its own. */
export function clientsOf<Client>(
  ServiceClient: new (
    address: string,
    channel: ReturnType<typeof credentials.createInsecure>,
    options: ChannelOptions,
  ) => Client,
  address: string,
  channels: number,
): Client[] {
  const options = { ...clientOptions, 'grpc.use_local_subchannel_pool': 1 }
  return Array.from(
    { length: channels },
    () => new ServiceClient(address, credentials.createInsecure(), options),
  )
}
