/** Rates need some scrapes in their window; the drill scrapes each second. */
const WINDOW_MIN_SECONDS = 10
/** What is shorter would fire for what every process does at its start. */
const HOLD_MIN_SECONDS = 2
const AGE_MIN_SECONDS = 10

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
] as const

/**
 * The times in rules, all divided by one factor: windows, `for` and thresholds of age. Thresholds of anything else are
 * no times and stay. A factor above 1 is for a drill, whose faults last seconds.
 */
export class TimeScale {
  readonly #factor: number

  /** @param factor at least 1; 1: as in production */
  constructor(factor: number) {
    if (!(factor >= 1)) throw new RangeError(`a time scale is at least 1, not ${factor}`)
    this.#factor = factor
  }

  /** A window, as PromQL writes a duration. */
  window(seconds: number): string {
    return durationText(this.#scaled(seconds, WINDOW_MIN_SECONDS))
  }

  /** A `for`. */
  hold(seconds: number): string {
    return durationText(this.#scaled(seconds, HOLD_MIN_SECONDS))
  }

  /** A threshold of age, in seconds. */
  age(seconds: number): number {
    return this.#scaled(seconds, AGE_MIN_SECONDS)
  }

  #scaled(seconds: number, leastSeconds: number): number {
    if (seconds <= leastSeconds) return seconds
    return Math.max(leastSeconds, Math.round((seconds / this.#factor) * 1_000) / 1_000)
  }
}

/** A duration as Prometheus writes it, in the largest unit that has it whole: 5m, 36h, 1500ms. */
export function durationText(seconds: number): string {
  const milliseconds = Math.round(seconds * 1_000)
  if (milliseconds === 0) return '0s'
  const [unit, length] = UNITS.find(([, size]) => milliseconds % size === 0) ?? ['ms', 1]
  return `${milliseconds / length}${unit}`
}

export const MINUTE = 60
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR
