import type { TimeScale } from './time-scale.js'

/**
 * What an alert asks of a person: page: get up now; critical: at once in working hours, soon otherwise; warning: in
 * the course of the day; info: nothing, it explains others.
 */
export const severities = ['page', 'critical', 'warning', 'info'] as const
export type Severity = (typeof severities)[number]

export const dashboardUids = {
  overview: 'fractal-lba',
  pipeline: 'fractal-lba-pipeline',
  wal: 'fractal-lba-wal',
  stores: 'fractal-lba-stores',
  agents: 'fractal-lba-agents',
} as const
export type DashboardName = keyof typeof dashboardUids

export interface Alert {
  readonly name: `FLK${string}`
  readonly severity: Severity
  /** PromQL that has a result while something is wrong. */
  readonly expr: (time: TimeScale) => string
  /** How long that must last. */
  readonly forSeconds: number
  readonly summary: string
  /** A template of Prometheus, with the value. */
  readonly description: string
  /** The name of a file in docs/runbooks, without .md. */
  readonly runbook: string
  readonly dashboard: DashboardName
  /** It suits some fleets only: it is in a file of its own. */
  readonly isOptional?: true
}

export interface AlertGroup {
  readonly name: string
  readonly alerts: readonly Alert[]
}
