import { type BackoffPolicy, waitMs } from './backoff.js'

/**
 * Whether the gateway as a whole is up, judged from its last answers. While it is down, one record at a time is sent
 * to find out whether it is back, so that thousands of waiting records do not each send a request in vain. Which
 * record is sent changes, because each has a wait of its own: one that cannot be judged does not block the others.
 */
export class EndpointState {
  readonly #policy: BackoffPolicy
  #failures = 0
  #untilMs = 0

  constructor(policy: BackoffPolicy) {
    this.#policy = policy
  }

  get isDown(): boolean {
    return this.#failures > 0
  }

  /** How many requests may be under way now, if `max` may be at other times. */
  allowance(nowMs: number, max: number): number {
    if (nowMs < this.#untilMs) return 0
    return this.isDown ? 1 : max
  }

  /** Nothing is sent before. */
  get untilMs(): number {
    return this.#untilMs
  }

  /** Any answer that judges a record. A wait that was asked for still holds. */
  answered(): void {
    this.#failures = 0
  }

  /**
   * No answer, or one that says "later".
   * @param askedMs the wait that it asks for; 0 when it asks for none
   * @param random in [0, 1)
   */
  failed(nowMs: number, askedMs: number, random: number): void {
    // Requests that were under way together fail together. They count as one outage, not as several.
    if (nowMs >= this.#untilMs) this.#failures += 1
    const failures = Math.max(1, this.#failures)
    this.#untilMs = Math.max(this.#untilMs, nowMs + waitMs(this.#policy, failures, askedMs, random))
  }
}
