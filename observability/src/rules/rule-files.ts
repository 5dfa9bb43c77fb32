import type { Alert, AlertGroup } from './alert.js'
import { dashboardUids } from './alert.js'
import { logAlerts } from './log.js'
import { objectiveAlerts, recordingRules } from './objectives.js'
import { processAlerts } from './processes.js'
import { storeAlerts } from './stores.js'
import { TimeScale } from './time-scale.js'
import { trafficAlerts } from './traffic.js'

export const alertGroups: readonly AlertGroup[] = [
  objectiveAlerts,
  trafficAlerts,
  processAlerts,
  logAlerts,
  storeAlerts,
]

export const allAlerts: readonly Alert[] = alertGroups.flatMap(({ alerts }) => alerts)

/** As "FLKBackendDown page". */
export function alertNames(): readonly string[] {
  return allAlerts.map(({ name, severity }) => `${name} ${severity}`)
}

/** What a deployment sets. */
export interface RuleOptions {
  /** Runbooks are found at `<base>/<name>.md`. */
  readonly runbookBaseUrl: string
  /** Of Grafana: dashboards are found at `<base>/d/<uid>`. */
  readonly dashboardBaseUrl: string
  readonly time: TimeScale
}

/** Placeholders, to be replaced by a deployment. */
export const defaultRuleOptions: RuleOptions = {
  runbookBaseUrl: 'https://runbooks.example',
  dashboardBaseUrl: 'https://grafana.example',
  time: new TimeScale(1),
}

/** A file of rules, as Prometheus reads it. */
export interface RuleFile {
  readonly groups: readonly { readonly name: string; readonly rules: readonly Rule[] }[]
}

export type Rule =
  | { readonly record: string; readonly expr: string }
  | {
      readonly alert: string
      readonly expr: string
      readonly for?: string
      readonly labels: Readonly<Record<string, string>>
      readonly annotations: Readonly<Record<string, string>>
    }

export const recordingGroup = 'flk-recording'

/** The group of those alerts of a group that a deployment loads beside the others. */
export function optionalName(group: string): string {
  return `${group}-optional`
}

/** The alerts that suit every fleet, or those that a deployment loads beside them. */
export function alertFile(options: RuleOptions, which: 'usual' | 'optional'): RuleFile {
  const isWanted = ({ isOptional }: Alert): boolean => (isOptional === true) === (which === 'optional')
  const groups = alertGroups.map(({ name, alerts }) => ({
    name: which === 'optional' ? optionalName(name) : name,
    rules: alerts.filter(isWanted).map((alert) => alertRule(alert, options)),
  }))
  return { groups: groups.filter(({ rules }) => rules.length > 0) }
}

export function recordingFile({ time }: RuleOptions): RuleFile {
  return { groups: [{ name: recordingGroup, rules: recordingRules(time) }] }
}

/** What every alert carries for the person who gets it. */
export function annotationsOf(alert: Alert, options: RuleOptions): Readonly<Record<string, string>> {
  return {
    summary: alert.summary,
    description: alert.description,
    runbook_url: `${trimmed(options.runbookBaseUrl)}/${alert.runbook}.md`,
    dashboard_url: `${trimmed(options.dashboardBaseUrl)}/d/${dashboardUids[alert.dashboard]}`,
  }
}

function alertRule(alert: Alert, options: RuleOptions): Rule {
  return {
    alert: alert.name,
    expr: alert.expr(options.time),
    ...(alert.forSeconds > 0 ? { for: options.time.hold(alert.forSeconds) } : {}),
    labels: { severity: alert.severity },
    annotations: annotationsOf(alert, options),
  }
}

function trimmed(url: string): string {
  return url.replace(/\/+$/, '')
}
