import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { standardOutput } from './line-output.js'

export { Counter, Gauge, Histogram, Registry }

const EVENT_LOOP_PRECISION_MS = 1_000

/** A registry with the process's defaults (process_*, nodejs_*, log_lines_lost_total). */
export function createRegistry(): Registry {
  const registry = new Registry()
  // The monitor of the event loop wakes the process that often; its own 10 ms cost more than a record does.
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: EVENT_LOOP_PRECISION_MS })
  new Counter({
    name: 'log_lines_lost_total',
    help: 'Log lines of this process that standard output did not take, because of a full disk for instance.',
    registers: [registry],
    collect() {
      this.reset()
      this.inc(standardOutput.linesLost)
    },
  })
  return registry
}

/** Seconds; fine around the SLO's 200 ms and around a flush's fractions of one. */
export const LATENCY_BUCKETS_SECONDS = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2, 5,
]
