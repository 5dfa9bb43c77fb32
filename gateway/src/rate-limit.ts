import { AppError, monotonicMs } from '@fractal-lba/runtime'

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

/** Far below a token, far above what a day of additions of doubles can be wrong by. */
const ROUNDING = 1e-6

/** A token bucket, one per gateway, shared by HTTP and gRPC. */
export class RateLimit {
  readonly #tokensPerSecond: number
  readonly #capacity: number
  readonly #policy: string
  readonly #onRefused: () => void
  readonly #nowMs: () => number
  #tokens: number
  #filledAtMs: number

  constructor({ tokensPerSecond, onRefused, nowMs = monotonicMs }: RateLimitOptions) {
    this.#tokensPerSecond = tokensPerSecond
    this.#capacity = Math.max(1, tokensPerSecond)
    this.#policy = `"default";q=${Math.floor(this.#capacity)};w=${wholeSeconds(this.#capacity / tokensPerSecond)}`
    this.#onRefused = onRefused
    this.#nowMs = nowMs
    this.#tokens = this.#capacity
    this.#filledAtMs = nowMs()
  }

  get enabled(): boolean {
    return this.#tokensPerSecond > 0
  }

  /** Takes the tokens, or none of them and gives back why, with the time after which they would be there. */
  take(count: number): AppError | undefined {
    if (!this.enabled) return undefined
    this.#fill()
    if (this.#tokens + ROUNDING >= count) {
      this.#tokens -= count
      return undefined
    }
    this.#onRefused()
    const waitMs = ((count - this.#tokens) / this.#tokensPerSecond) * 1000
    return new AppError('rate_limited', 'this gateway takes no more submissions at the moment', {
      retryAfterMs: Math.ceil(waitMs - ROUNDING),
    })
  }

  /** The bucket as it is now; undefined where there is no limit. */
  fields(): RateLimitFields | undefined {
    if (!this.enabled) return undefined
    this.#fill()
    const remaining = Math.max(0, Math.floor(this.#tokens + ROUNDING))
    const full = wholeSeconds((this.#capacity - this.#tokens) / this.#tokensPerSecond)
    return { policy: this.#policy, state: `"default";r=${remaining};t=${full}` }
  }

  #fill(): void {
    const nowMs = this.#nowMs()
    const grown = ((nowMs - this.#filledAtMs) / 1000) * this.#tokensPerSecond
    this.#tokens = Math.min(this.#capacity, this.#tokens + grown)
    this.#filledAtMs = nowMs
  }
}

function wholeSeconds(seconds: number): number {
  return Math.max(0, Math.ceil(seconds - ROUNDING))
}
