import { monotonicMs } from './monotonic.js'

/** Wall time, in milliseconds since 1970. */
export type Clock = () => number

/**
 * The wall clock as it was at the start, carried on by the monotonic one: a wall clock that jumps while the
 * process runs expires nothing (contract, section 7).
 */
export class TrustedClock {
  readonly #wall: Clock
  readonly #monotonic: Clock
  readonly #offsetMs: number

  constructor(wall: Clock = Date.now, monotonic: Clock = monotonicMs) {
    this.#wall = wall
    this.#monotonic = monotonic
    this.#offsetMs = wall() - monotonic()
  }

  readonly nowMs: Clock = () => this.#monotonic() + this.#offsetMs

  /** How far the wall clock has jumped ahead (or back: negative) since the start. */
  jumpMs(): number {
    return this.#wall() - this.nowMs()
  }
}
