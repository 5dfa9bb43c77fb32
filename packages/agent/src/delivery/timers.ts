/** What a sender knows of time: a simulation brings its own. */
export interface Timers {
  /** Monotonic. */
  nowMs(): number
  /** Runs it once, after that time. @returns what calls it off */
  after(ms: number, run: () => void): () => void
}

export const realTimers: Timers = {
  nowMs: () => performance.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms)
    return () => clearTimeout(timer)
  },
}
