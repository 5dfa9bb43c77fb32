import { type Alert, severities } from '../rules/alert.js'
import { allAlerts, annotationsOf, type RuleOptions } from '../rules/rule-files.js'
import { DAY, durationText, MINUTE } from '../rules/time-scale.js'
import { type AlertCase, alertCases } from './alert-cases.js'
import { healthySystem } from './healthy-system.js'
import { absent, valuesText } from './series.js'

const STEPS = 60
/** Longer than all windows but those of days, which need no minutes. */
const HEALTHY_STEPS = (2 * DAY) / MINUTE

interface ExpectedAlert {
  readonly exp_labels: Readonly<Record<string, string>>
  readonly exp_annotations: Readonly<Record<string, string>>
}

/** A file for `promtool test rules`: each alert fires, ends, and no alert fires over a healthy system. */
export function promtoolTests(ruleFiles: readonly string[], options: RuleOptions): object {
  return {
    rule_files: ruleFiles,
    evaluation_interval: '1m',
    tests: [healthyTest(), ...alertCases.map((alertCase) => caseTest(alertCase, options))],
  }
}

function healthyTest(): object {
  const half = HEALTHY_STEPS / 2
  return {
    name: 'nothing fires over a healthy system',
    interval: '1m',
    input_series: Object.entries(healthySystem).map(([series, pattern]) => ({
      series,
      values: valuesText({ pattern, steps: half }, { pattern, steps: half }, MINUTE),
    })),
    alert_rule_test: [5, half, HEALTHY_STEPS].flatMap((minute) =>
      [...new Set(allAlerts.map(({ name }) => name))].map((name) => ({
        eval_time: durationText(minute * MINUTE),
        alertname: name,
        exp_alerts: [],
      })),
    ),
  }
}

function caseTest(alertCase: AlertCase, options: RuleOptions): object {
  const { alert: name, severity, what, broken, stepSeconds = MINUTE, steps = STEPS } = alertCase
  const alert = allAlerts.find((candidate) => candidate.name === name && candidate.severity === severity)
  if (!alert) throw new Error(`there is no alert ${name} of severity ${severity}`)
  const series = new Set([...Object.keys(healthySystem), ...Object.keys(broken)])
  const at = (seconds: number, expected: readonly ExpectedAlert[]) => ({
    eval_time: durationText(seconds),
    alertname: name,
    exp_alerts: expected,
  })
  const brokenSeconds = steps * stepSeconds
  const early = alert.forSeconds - MINUTE
  return {
    name: `${name} (${severity}): ${what}`,
    interval: durationText(stepSeconds),
    input_series: [...series].map((one) => {
      const healthy = healthySystem[one] ?? absent
      const first = { pattern: broken[one] ?? healthy, steps }
      return { series: one, values: valuesText(first, { pattern: healthy, steps }, stepSeconds) }
    }),
    alert_rule_test: [
      ...(early > 0 ? [at(early, [])] : []),
      at(brokenSeconds, [expectedOf(alert, alertCase, options), ...companions(alertCase, options)]),
      at(2 * brokenSeconds, []),
    ],
  }
}

/** The same alert of another severity that the same fault raises. */
function companions(alertCase: AlertCase, options: RuleOptions): readonly ExpectedAlert[] {
  return (alertCase.alsoFires ?? []).map((companion) => {
    const alert = allAlerts.find(
      ({ name, severity }) => name === alertCase.alert && severity === companion.severity,
    )
    if (!alert) throw new Error(`there is no alert ${alertCase.alert} of severity ${companion.severity}`)
    return expectedOf(alert, companion, options)
  })
}

function expectedOf(
  alert: Alert,
  { labels, value }: Pick<AlertCase, 'labels' | 'value'>,
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
