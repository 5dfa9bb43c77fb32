/** Time, as the log needs it; tests put their own in its place. */
export interface Clock {
  /** wall clock, ms since 1970 */
  wallMs(): number
  /** Runs `task` once after the delay, without keeping the process alive; gives what cancels it. */
  after(delayMs: number, task: () => void): () => void
}

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  after(delayMs, task) {
    const timer = setTimeout(task, delayMs)
    timer.unref()
    return () => clearTimeout(timer)
  },
}
