import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { documentedMetrics, metricNamesIn } from './metric-names.js'
import { recordingRules } from './rules/objectives.js'
import { allAlerts } from './rules/rule-files.js'
import { TimeScale } from './rules/time-scale.js'

const documented = documentedMetrics(readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8'))
const unknownIn = (text: string) => metricNamesIn(text).filter((name) => !documented.has(name))

describe('every metric is in docs/metrics.md', () => {
  const time = new TimeScale(1)
  it.each([...allAlerts.map(({ name, expr }) => [name, expr(time)] as const)])('of %s', (_name, expr) => {
    expect(unknownIn(expr)).toEqual([])
  })

  it('of the recording rules', () => {
    expect(recordingRules(time).flatMap(({ expr }) => unknownIn(expr))).toEqual([])
  })
})

describe('metricNamesIn', () => {
  it('finds series of histograms, selectors and plain names, and no labels', () => {
    const text =
      'sum by (rpc_service) (rate(rpc_client_duration_seconds_bucket{job="flk-gateway"}[5m])) / wal_bytes'
    expect(metricNamesIn(text)).toEqual(['rpc_client_duration_seconds', 'wal_bytes'])
  })
})
