import { readFileSync } from 'node:fs'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { standardOutput } from './line-output.js'
import { resourceLimits } from './resource-limits.js'

export { Counter, Gauge, Histogram, Registry }

/** Of what shows exemplars. It appends `_total` to the names of counters, so that it is none for the contract's names. */
export class OpenMetricsRegistry extends Registry<typeof Registry.OPENMETRICS_CONTENT_TYPE> {
  constructor() {
    super()
    this.setContentType(Registry.OPENMETRICS_CONTENT_TYPE)
  }
}

const EVENT_LOOP_PRECISION_MS = 1_000

/** A registry with what every process has: process_*, nodejs_*, build_info, log_lines_lost_total. */
export function createRegistry(service: string): Registry {
  const registry = new Registry()
  // The monitor of the event loop wakes the process that often; its own 10 ms cost more than a record does.
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: EVENT_LOOP_PRECISION_MS })
  exposeLimits(registry)
  exposeBuild(registry, service)
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

function exposeLimits(registry: Registry): void {
  const registers = [registry]
  new Gauge({
    name: 'process_cpu_limit_cores',
    help: 'Cores that the process may use, as its cgroup says; those of the machine where nothing limits it.',
    registers,
    collect() {
      this.set(resourceLimits().cpuCores)
    },
  })
  new Gauge({
    name: 'process_memory_limit_bytes',
    help: 'Memory that the process may use, as its cgroup says; that of the machine where nothing limits it.',
    registers,
    collect() {
      this.set(resourceLimits().memoryBytes)
    },
  })
}

function exposeBuild(registry: Registry, service: string): void {
  new Gauge({
    name: 'build_info',
    help: 'Always 1: which service this is, in which version, on which Node.',
    labelNames: ['service', 'version', 'node'],
    registers: [registry],
  }).set({ service, version: VERSION, node: process.version }, 1)
}

/** Of the whole product: all of its packages have the same. */
const VERSION = versionIn(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))

function versionIn(manifestText: string): string {
  const manifest: unknown = JSON.parse(manifestText)
  const isKnown = typeof manifest === 'object' && manifest !== null && 'version' in manifest
  return isKnown ? String(manifest.version) : 'unknown'
}

/** Seconds; fine around the SLO's 200 ms and around a flush's fractions of one. */
export const LATENCY_BUCKETS_SECONDS = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2, 5,
]
