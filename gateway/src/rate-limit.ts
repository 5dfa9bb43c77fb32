import { AppError, monotonicMs } from '@fractal-lba/runtime'
import { TokenBucket, wholeSeconds } from './token-bucket.js'

export interface RateLimitOptions {
  /** The contract's TOKEN_RATE: tokens per second, burst as much (at least one); 0 turns the limit off. */
  readonly tokensPerSecond: number
  /** Called once for each refusal: flk_rate_limited. */
  readonly onRefused: () => void
  /** Monotonic milliseconds. */
  readonly nowMs?: () => number
}

/** What a submission's answer says about the bucket: the fields of draft-ietf-httpapi-ratelimit-headers. */
export interface RateLimitFields {
  /** `RateLimit-Policy` */
  readonly policy: string
  /** `RateLimit` */
  readonly state: string
}

/** A token bucket, one per gateway, shared by HTTP and gRPC. */
export class RateLimit {
  readonly #bucket: TokenBucket | undefined
  readonly #policy: string
  readonly #onRefused: () => void
  readonly #nowMs: () => number

  constructor({ tokensPerSecond, onRefused, nowMs = monotonicMs }: RateLimitOptions) {
    const capacity = Math.max(1, tokensPerSecond)
    this.#bucket = tokensPerSecond > 0 ? new TokenBucket(tokensPerSecond, capacity, nowMs()) : undefined
    this.#policy = `"default";q=${Math.floor(capacity)};w=${wholeSeconds(capacity / tokensPerSecond)}`
    this.#onRefused = onRefused
    this.#nowMs = nowMs
  }

  /** Takes the tokens, or none of them and gives back why, with the time after which they would be there. */
  take(count: number): AppError | undefined {
    const retryAfterMs = this.#bucket?.take(count, this.#nowMs()) ?? 0
    if (retryAfterMs === 0) return undefined
    this.#onRefused()
    return new AppError('rate_limited', 'this gateway takes no more submissions at the moment', {
      retryAfterMs,
    })
  }

  /** The bucket as it is now; undefined where there is no limit. */
  fields(): RateLimitFields | undefined {
    if (!this.#bucket) return undefined
    const { remaining, fullAfterSeconds } = this.#bucket.state(this.#nowMs())
    return { policy: this.#policy, state: `"default";r=${remaining};t=${fullAfterSeconds}` }
  }
}
