import type { Timers } from '../delivery/timers.js'

const TURN_MS = 0.05

interface Alarm {
  readonly dueMs: number
  readonly run: () => void
}

/**
 * Test support: time that passes with the turns of the event loop, and only while somebody waits. So what happens
 * is the same each time, however fast the machine is.
 */
export class SimulatedTimers implements Timers {
  readonly #alarms = new Set<Alarm>()
  #nowMs = 0
  #ticking = false

  nowMs(): number {
    return this.#nowMs
  }

  after(ms: number, run: () => void): () => void {
    const alarm = { dueMs: this.#nowMs + ms, run }
    this.#alarms.add(alarm)
    if (!this.#ticking) this.#tick()
    return () => this.#alarms.delete(alarm)
  }

  #tick(): void {
    this.#ticking = this.#alarms.size > 0
    if (!this.#ticking) return
    setImmediate(() => {
      this.#nowMs += TURN_MS
      for (const alarm of [...this.#alarms]) {
        if (alarm.dueMs > this.#nowMs || !this.#alarms.delete(alarm)) continue
        alarm.run()
      }
      this.#tick()
    })
  }
}
