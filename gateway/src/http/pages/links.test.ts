import { existsSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { Links, runbookNames } from './links.js'

const NOWHERE = { traces: undefined, runbooks: undefined, dashboards: undefined }

describe('links of the page', () => {
  it.each(runbookNames)('lead to a runbook that is there: %s', (name) => {
    expect(existsSync(new URL(`../../../../docs/runbooks/${name}.md`, import.meta.url))).toBe(true)
  })

  it('are the bare name where there is no place to lead to', () => {
    const links = new Links(NOWHERE)
    expect(links.runbook('wal-pending')).toBe('wal-pending')
    expect(links.runbook(undefined)).toBe('')
    expect(links.trace('0af7')).toBe('trace 0af7')
    expect([links.dashboard, links.runbooks]).toEqual([undefined, undefined])
  })

  it('are made from the base that is configured', () => {
    const links = new Links({ traces: 'http://j/trace', runbooks: 'http://r/a', dashboards: 'http://g' })
    expect(links.runbook('wal-pending')).toBe('<a href="http://r/a/wal-pending.md">wal-pending</a>')
    expect(links.trace('0af7')).toBe('<a href="http://j/trace/0af7">trace</a>')
    expect(links.dashboard).toBe('<a href="http://g/d/fractal-lba">dashboards</a>')
  })
})
