import { type ServiceName, serviceNames } from '@fractal-lba/runtime'

/**
 * The `job` label of each process: the same in scrape files, monitors and rules, and beside `instance` the only one
 * of a scraper's labels that rules use.
 */
export function jobOf(name: ServiceName | 'agent'): string {
  return `flk-${name}`
}

/** Of the gateways' /metrics/exemplars. */
export const EXEMPLARS_JOB = 'flk-gateway-exemplars'

/** Of the blackbox exporter's look at the gateway's /ready. */
export const PROBE_JOB = 'flk-probe'

/** Matches each of the five services. */
export const SERVICE_JOBS = `job=~"flk-(${serviceNames.join('|')})"`

/** Matches the gateways' /metrics, and not their exemplars, which are the same series once more. */
export const GATEWAY_JOB = `job="${jobOf('gateway')}"`
