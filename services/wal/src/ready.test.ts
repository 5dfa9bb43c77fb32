import { describe, expect, it } from 'vitest'
import { readyReport } from './ready.js'

describe('readyReport', () => {
  it.each([
    [undefined, [], 'ready', undefined],
    [undefined, ['a.bad'], 'degraded', 'quarantined, because damaged: a.bad;'],
    ['no room', [], 'not_ready', 'no room'],
    ['no room', ['a.bad'], 'not_ready', 'no room'],
  ])('refusal %j and quarantined %j: %s', (refusal, quarantined, status, detail) => {
    const report = readyReport(refusal, quarantined)
    expect(report.status).toBe(status)
    if (detail === undefined) expect(report.detail).toBeUndefined()
    else expect(report.detail).toContain(detail)
    expect(report.dependencies.log?.detail !== undefined).toBe(quarantined.length > 0)
  })
})
