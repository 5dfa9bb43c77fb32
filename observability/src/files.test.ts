import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { generatedFiles } from './files.js'
import type { Alert } from './rules/alert.js'
import { alertFile, allAlerts, defaultRuleOptions } from './rules/rule-files.js'
import { TimeScale } from './rules/time-scale.js'
import { untestedAlerts } from './testing/promtool-tests.js'

const committed = (path: string): string =>
  readFileSync(fileURLToPath(new URL(`../${path}`, import.meta.url)), 'utf8')

describe('the committed files', () => {
  it.each([...generatedFiles(defaultRuleOptions)])('%s is what npm run observability makes', (path, text) => {
    expect(committed(path)).toBe(text)
  })
})

describe('alerts', () => {
  it('have links that a deployment sets', () => {
    const options = {
      ...defaultRuleOptions,
      runbookBaseUrl: 'https://here.test/runbooks/',
      dashboardBaseUrl: 'https://here.test/grafana',
    }
    const files = generatedFiles(options)
    const [alert] = parse(files.get('prometheus/alerts.yml') ?? '').groups[0].rules
    expect(alert.annotations).toMatchObject({
      runbook_url: 'https://here.test/runbooks/availability-burn.md',
      dashboard_url: 'https://here.test/grafana/d/fractal-lba',
    })
    for (const [path, text] of files) expect(text, path).not.toContain('.example')
  })

  it('each have a case in which they fire', () => {
    expect(untestedAlerts()).toEqual([])
  })

  it('say their value', () => {
    for (const { name, description } of allAlerts) expect(description, name).toContain('{{ $value')
  })

  it('keep what suits some fleets only in a file of its own', () => {
    const names = (which: 'usual' | 'optional') => JSON.stringify(alertFile(defaultRuleOptions, which))
    expect(names('usual')).not.toContain('FLKDedupAnomalyLow')
    expect(names('optional')).toContain('FLKDedupAnomalyLow')
  })
})

describe('a time scale', () => {
  it('changes windows, and of the thresholds those of age alone', () => {
    const withoutWindows = (alert: Alert, factor: number) =>
      alert.expr(new TimeScale(factor)).replace(/\[\w+\]|offset \w+/g, 'T')
    const changed = allAlerts.filter((alert) => withoutWindows(alert, 60) !== withoutWindows(alert, 1))
    expect(changed.map(({ name }) => name)).toEqual([
      'FLKKeyOrCertificateExpiring',
      'FLKWALPendingOld',
      'FLKWALCompactionStale',
    ])
  })

  it.each([
    [300, '10s', '5s', 10],
    [36 * 3_600, '36m', '36m', 2_160],
    [0, '0s', '0s', 0],
  ])('turns %i s by sixty into a window, a hold and an age', (seconds, window, hold, age) => {
    const time = new TimeScale(60)
    expect([time.window(seconds), time.hold(seconds), time.age(seconds)]).toEqual([window, hold, age])
  })

  it('is at least 1', () => {
    expect(() => new TimeScale(0.5)).toThrow('at least 1')
  })
})
