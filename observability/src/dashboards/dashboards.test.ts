import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { documentedMetrics, metricNamesIn } from '../metric-names.js'
import { recordingRules } from '../rules/objectives.js'
import { allAlerts } from '../rules/rule-files.js'
import { TimeScale } from '../rules/time-scale.js'
import type { Dashboard } from './dashboard.js'
import { dashboards } from './dashboards.js'
import { dashboardText } from './grafana-json.js'

const docs = (path: string): URL => new URL(`../../../docs/${path}`, import.meta.url)
const documented = documentedMetrics(readFileSync(docs('metrics.md'), 'utf8'))
const recorded = new Set(recordingRules(new TimeScale(1)).map(({ record }) => record))
const GRAFANA_VARIABLES = ['__rate_interval', '__range']

const panelsOf = ({ rows }: Dashboard) => rows.flatMap(({ panels }) => panels)
const exprsOf = (dashboard: Dashboard) =>
  panelsOf(dashboard).flatMap(({ queries }) => queries.map(({ expr }) => expr))

describe.each(dashboards.map((dashboard) => [dashboard.name, dashboard] as const))(
  '%s',
  (_name, dashboard) => {
    it('asks for metrics that docs/metrics.md has, and for what the rules record', () => {
      const text = exprsOf(dashboard).join('\n')
      expect(metricNamesIn(text).filter((name) => !documented.has(name))).toEqual([])
      const asked = [...text.matchAll(/\bflk:[\w:]+/g)].map(([name]) => name)
      expect(asked.filter((name) => !recorded.has(name))).toEqual([])
    })

    it('leads to runbooks that are there', () => {
      const runbooks = panelsOf(dashboard).flatMap((panel) => panel.runbooks ?? [])
      expect(runbooks.filter((name) => !existsSync(docs(`runbooks/${name}.md`)))).toEqual([])
    })

    it('uses the variables that it has', () => {
      const used = new Set(
        [
          ...exprsOf(dashboard)
            .join('\n')
            .matchAll(/\$(\w+)/g),
        ].map(([, name]) => name),
      )
      const known = (dashboard.variables ?? []).map(({ name }) => name)
      expect([...used].filter((name) => !GRAFANA_VARIABLES.includes(name ?? '')).sort()).toEqual(known.sort())
    })

    it('has a place for each of its panels, and takes the address of the runbooks', () => {
      const text = dashboardText(dashboard, { runbookBaseUrl: 'https://here.test/runbooks/' })
      const { panels } = JSON.parse(text) as {
        panels: { id: number; gridPos: { x: number; y: number; w: number } }[]
      }
      expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
      expect(new Set(panels.map(({ gridPos: { x, y } }) => `${x} ${y}`)).size).toBe(panels.length)
      expect(panels.filter(({ gridPos: { x, w } }) => x + w > 24)).toEqual([])
      expect(text).toContain('"https://here.test/runbooks/')
      expect(text).not.toContain('.example')
    })
  },
)

it.each(allAlerts.map((alert) => [alert.name, alert.severity, alert] as const))(
  'the dashboard of %s (%s) has a panel that leads to its runbook',
  (_name, _severity, { dashboard: name, runbook }) => {
    const dashboard = dashboards.find((candidate) => candidate.name === name)
    const runbooks = dashboard ? panelsOf(dashboard).flatMap((panel) => panel.runbooks ?? []) : []
    expect(runbooks).toContain(runbook)
  },
)
