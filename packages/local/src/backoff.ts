/** How long a process that died waits before it is started again. */
export interface BackoffPolicy {
  readonly firstMs: number
  readonly maxMs: number
  /** After a life of this length the next death counts as the first again. */
  readonly resetAfterMs: number
}

export const defaultBackoff: BackoffPolicy = { firstMs: 200, maxMs: 5_000, resetAfterMs: 10_000 }

/** Doubles from death to death; a long life forgives. */
export class Backoff {
  #deaths = 0

  constructor(private readonly policy: BackoffPolicy) {}

  /** @param livedMs how long the process that has just died had lived. */
  delayMs(livedMs: number): number {
    if (livedMs >= this.policy.resetAfterMs) this.#deaths = 0
    const delayMs = Math.min(this.policy.firstMs * 2 ** this.#deaths, this.policy.maxMs)
    this.#deaths += 1
    return delayMs
  }
}
