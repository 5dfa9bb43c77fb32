import { AppError, monotonicMs } from '@fractal-lba/runtime'
import { TokenBucket } from './token-bucket.js'

export interface ClientLimitsOptions {
  /** Submissions per second of one client, burst as much; 0 is off. */
  readonly requestsPerSecond: number
  /** Bytes of bodies per second of one client; 0 is off. */
  readonly bytesPerSecond: number
  /** Refusals per second that one client gets at once, burst as much; 0: all. */
  readonly refusalsPerSecond: number
  /** The longest body: a client may always send one. */
  readonly bodyBytesMax: number
  /** How many clients are remembered; the one that was quiet longest is forgotten first, and begins with a full bucket. */
  readonly clientsMax?: number
  /** Called once for each refusal: flk_rate_limited. */
  readonly onRefused: () => void
  /** Monotonic milliseconds. */
  readonly nowMs?: () => number
}

interface Buckets {
  readonly requests: TokenBucket | undefined
  readonly bytes: TokenBucket | undefined
  readonly refusals: TokenBucket | undefined
}

/** How late further refusals are: a client that waits for them sends no more meanwhile. */
const REFUSAL_DELAY_MS = 1_000
const CLIENTS_MAX = 10_000

/** What one client may send, beside what the gateway takes in all: one that sends too much does not use up the others' share. */
export class ClientLimits {
  readonly #options: ClientLimitsOptions
  readonly #clientsMax: number
  readonly #nowMs: () => number
  /** The one that was quiet longest first. */
  readonly #clients = new Map<string, Buckets>()

  constructor(options: ClientLimitsOptions) {
    this.#options = options
    this.#clientsMax = options.clientsMax ?? CLIENTS_MAX
    this.#nowMs = options.nowMs ?? monotonicMs
  }

  get #isOn(): boolean {
    return this.#options.requestsPerSecond > 0 || this.#options.bytesPerSecond > 0
  }

  /** @param client of `clientKey`. @returns why its submission is refused; undefined where it is not */
  take(client: string, bodyBytes: number): AppError | undefined {
    if (!this.#isOn) return undefined
    const nowMs = this.#nowMs()
    const { requests, bytes } = this.#bucketsOf(client, nowMs)
    return this.#refusal(requests?.take(1, nowMs) || bytes?.take(bodyBytes, nowMs) || 0)
  }

  /** The same before its body is read, taking nothing. @param bodyBytes as its headers declare; 0 where they do not */
  refusalAhead(client: string, bodyBytes: number): AppError | undefined {
    // One that is not known has a full share, and a body always fits into that.
    const known = this.#clients.get(client)
    if (!known) return undefined
    const nowMs = this.#nowMs()
    const { requests, bytes } = known
    return this.#refusal(requests?.missingMs(1, nowMs) || bytes?.missingMs(bodyBytes, nowMs) || 0)
  }

  /** What was sent and refused before it was a submission is a part of the client's share too. */
  charge(client: string, sentBytes: number): void {
    if (!this.#isOn) return
    const nowMs = this.#nowMs()
    const { requests, bytes } = this.#bucketsOf(client, nowMs)
    requests?.charge(1, nowMs)
    bytes?.charge(sentBytes, nowMs)
  }

  /**
   * How late a client is to hear that something of it was not let in: what it sends in vain costs it its own time. A
   * request that was dear to refuse takes all of the refusals of a second.
   */
  refusalDelayMs(client: string, isDear: boolean): number {
    const { refusalsPerSecond } = this.#options
    if (refusalsPerSecond === 0) return 0
    const nowMs = this.#nowMs()
    const { refusals } = this.#bucketsOf(client, nowMs)
    const isDue = refusals?.missingMs(1, nowMs) === 0
    refusals?.charge(isDear ? refusalsPerSecond : 1, nowMs)
    return isDue ? 0 : REFUSAL_DELAY_MS
  }

  #refusal(retryAfterMs: number): AppError | undefined {
    if (retryAfterMs === 0) return undefined
    this.#options.onRefused()
    return new AppError('rate_limited', 'this client sends more than one client may at the moment', {
      retryAfterMs,
    })
  }

  #bucketsOf(key: string, nowMs: number): Buckets {
    const known = this.#clients.get(key)
    const buckets = known ?? this.#fresh(nowMs)
    if (known) this.#clients.delete(key)
    this.#clients.set(key, buckets)
    const [quietest] = this.#clients.keys()
    if (quietest !== undefined && this.#clients.size > this.#clientsMax) this.#clients.delete(quietest)
    return buckets
  }

  #fresh(nowMs: number): Buckets {
    const { requestsPerSecond, bytesPerSecond, refusalsPerSecond, bodyBytesMax } = this.#options
    return {
      requests:
        requestsPerSecond > 0 ? new TokenBucket(requestsPerSecond, requestsPerSecond, nowMs) : undefined,
      bytes:
        bytesPerSecond > 0
          ? new TokenBucket(bytesPerSecond, Math.max(bytesPerSecond, bodyBytesMax), nowMs)
          : undefined,
      refusals:
        refusalsPerSecond > 0 ? new TokenBucket(refusalsPerSecond, refusalsPerSecond, nowMs) : undefined,
    }
  }
}
