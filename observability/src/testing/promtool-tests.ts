import { type Alert, severities } from '../rules/alert.js'
import {
  alertGroups,
  allAlerts,
  annotationsOf,
  optionalName,
  type RuleOptions,
  recordingGroup,
} from '../rules/rule-files.js'
import { DAY, durationText, HOUR, MINUTE } from '../rules/time-scale.js'
import { type AlertCase, alertCases } from './alert-cases.js'
import { healthySystem } from './healthy-system.js'
import { absent, valuesText } from './series.js'

const STEPS = 40
const GROUPS = [recordingGroup, ...alertGroups.flatMap(({ name }) => [name, optionalName(name)])]
const LONG_STEP_SECONDS = 10 * MINUTE

interface ExpectedAlert {
  readonly exp_labels: Readonly<Record<string, string>>
  readonly exp_annotations: Readonly<Record<string, string>>
}

/**
 * Files for `promtool test rules`, by name: each alert fires, ends, and no alert fires over a healthy system. What has
 * windows of days is in a file of its own, which is evaluated less often.
 */
export function promtoolTests(
  ruleFiles: readonly string[],
  options: RuleOptions,
): Readonly<Record<string, object>> {
  const file = (stepSeconds: number, healthySeconds: number, isLong: boolean): object => ({
    rule_files: ruleFiles,
    evaluation_interval: durationText(stepSeconds),
    // promtool takes groups in any order, and a recorded value that is a step old is none any more where steps are long.
    group_eval_order: GROUPS,
    tests: [
      healthyTest(stepSeconds, healthySeconds),
      ...alertCases
        .filter((alertCase) => (alertCase.isLong === true) === isLong)
        .map((alertCase) => caseTest(alertCase, stepSeconds, options)),
    ],
  })
  return {
    'minutes.yml': file(MINUTE, HOUR, false),
    'days.yml': file(LONG_STEP_SECONDS, 4 * DAY, true),
  }
}

function healthyTest(stepSeconds: number, lengthSeconds: number): object {
  const half = lengthSeconds / stepSeconds / 2
  return {
    name: `nothing fires over a healthy system in ${durationText(lengthSeconds)}`,
    interval: durationText(stepSeconds),
    input_series: Object.entries(healthySystem).map(([series, pattern]) => ({
      series,
      values: valuesText({ pattern, steps: half }, { pattern, steps: half }, stepSeconds),
    })),
    alert_rule_test: [stepSeconds, lengthSeconds / 2, lengthSeconds].flatMap((seconds) =>
      [...new Set(allAlerts.map(({ name }) => name))].map((name) => ({
        eval_time: durationText(seconds),
        alertname: name,
        exp_alerts: [],
      })),
    ),
  }
}

function caseTest(alertCase: AlertCase, stepSeconds: number, options: RuleOptions): object {
  const { alert: name, severity, what, broken, labels, value, beside, steps = STEPS } = alertCase
  const expected = (of: AlertCase['severity'], shown: string): ExpectedAlert =>
    expectedOf(alertOf(name, of), labels, shown, options)
  const at = (seconds: number, alerts: readonly ExpectedAlert[]) => ({
    eval_time: durationText(seconds),
    alertname: name,
    exp_alerts: alerts,
  })
  const brokenSeconds = steps * stepSeconds
  const early = alertOf(name, severity).forSeconds - stepSeconds
  return {
    name: `${name} (${severity}): ${what}`,
    interval: durationText(stepSeconds),
    input_series: [...new Set([...Object.keys(healthySystem), ...Object.keys(broken)])].map((series) => {
      const healthy = healthySystem[series] ?? absent
      const first = { pattern: broken[series] ?? healthy, steps }
      return { series, values: valuesText(first, { pattern: healthy, steps }, stepSeconds) }
    }),
    alert_rule_test: [
      ...(early > 0 ? [at(early, [])] : []),
      at(brokenSeconds, [
        expected(severity, value),
        ...(beside ? [expected(beside.severity, beside.value)] : []),
      ]),
      at(2 * brokenSeconds, beside ? [expected(beside.severity, beside.valueAfterwards)] : []),
    ],
  }
}

function alertOf(name: string, severity: string): Alert {
  const alert = allAlerts.find((candidate) => candidate.name === name && candidate.severity === severity)
  if (!alert) throw new Error(`there is no alert ${name} of severity ${severity}`)
  return alert
}

function expectedOf(
  alert: Alert,
  labels: Readonly<Record<string, string>>,
  value: string,
  options: RuleOptions,
): ExpectedAlert {
  const { description = '', ...annotations } = annotationsOf(alert, options)
  const filled = description
    .replace(/\{\{ \$labels\.(\w+) \}\}/g, (_, label: string) => labels[label] ?? '')
    .replace(/\{\{ \$value[^}]*\}\}/g, value)
  return {
    exp_labels: { ...labels, severity: alert.severity },
    exp_annotations: { ...annotations, description: filled },
  }
}

/** Alerts that no case lets fire. */
export function untestedAlerts(): readonly string[] {
  const tested = new Set(alertCases.map(({ alert, severity }) => `${alert} ${severity}`))
  return severities.flatMap((severity) =>
    allAlerts
      .filter((alert) => alert.severity === severity && !tested.has(`${alert.name} ${severity}`))
      .map(({ name }) => `${name} ${severity}`),
  )
}
