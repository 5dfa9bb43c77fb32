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

/** What NTP corrects without a step stays below this for a long time. */
const JUMP_MS = 5_000

/** Compares the clocks every second and reports a jump of the wall clock once. Stops with the signal. */
export function watchClock(
  clock: TrustedClock,
  stopping: AbortSignal,
  onJump: (jumpMs: number) => void,
): void {
  let reportedMs = 0
  const timer = setInterval(() => {
    const jumpMs = clock.jumpMs()
    if (Math.abs(jumpMs - reportedMs) < JUMP_MS) return
    reportedMs = jumpMs
    onJump(jumpMs)
  }, 1_000)
  timer.unref()
  stopping.addEventListener('abort', () => clearInterval(timer), { once: true })
}
