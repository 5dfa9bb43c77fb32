/** Far below a token, far above what a day of additions of doubles can be wrong by. */
const ROUNDING = 1e-6

/** Tokens that come at a rate, up to a burst. Times are on the monotonic clock. */
export class TokenBucket {
  readonly #tokensPerSecond: number
  readonly #capacity: number
  #tokens: number
  #filledAtMs: number

  constructor(tokensPerSecond: number, capacity: number, nowMs: number) {
    this.#tokensPerSecond = tokensPerSecond
    this.#capacity = capacity
    this.#tokens = capacity
    this.#filledAtMs = nowMs
  }

  /** Takes the tokens, or none of them. @returns after how many milliseconds they would be there; 0: they were taken */
  take(count: number, nowMs: number): number {
    const missingMs = this.missingMs(count, nowMs)
    if (missingMs === 0) this.#tokens -= count
    return missingMs
  }

  /** After how many milliseconds so many would be there; 0: now. */
  missingMs(count: number, nowMs: number): number {
    this.#fill(nowMs)
    if (this.#tokens + ROUNDING >= count) return 0
    return Math.ceil(((count - this.#tokens) / this.#tokensPerSecond) * 1000 - ROUNDING)
  }

  /** Takes them also where they are not there: what is owed is at most a whole burst. */
  charge(count: number, nowMs: number): void {
    this.#fill(nowMs)
    this.#tokens = Math.max(-this.#capacity, this.#tokens - count)
  }

  /** Whole tokens that are there, and the whole seconds until it is full. */
  state(nowMs: number): { readonly remaining: number; readonly fullAfterSeconds: number } {
    this.#fill(nowMs)
    return {
      remaining: Math.max(0, Math.floor(this.#tokens + ROUNDING)),
      fullAfterSeconds: wholeSeconds((this.#capacity - this.#tokens) / this.#tokensPerSecond),
    }
  }

  #fill(nowMs: number): void {
    const grown = ((nowMs - this.#filledAtMs) / 1000) * this.#tokensPerSecond
    this.#tokens = Math.min(this.#capacity, this.#tokens + grown)
    this.#filledAtMs = nowMs
  }
}

export function wholeSeconds(seconds: number): number {
  return Math.max(0, Math.ceil(seconds - ROUNDING))
}
