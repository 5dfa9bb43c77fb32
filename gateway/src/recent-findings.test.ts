import { describe, expect, it } from 'vitest'
import { RecentFindings } from './recent-findings.js'

const refused = (reason: string) => ({ what: 'refused', status: 401, reason }) as const
const at = (wallMs: number) => ({ wallMs, requestId: `r-${wallMs}`, pcsId: undefined, traceId: undefined })

describe('the last findings', () => {
  it('are counted by reason, with the last one of each, the newest first', () => {
    const findings = new RecentFindings(3)
    findings.add(refused('malformed'), at(1))
    findings.add(refused('unauthenticated'), at(2))
    findings.add(refused('malformed'), at(3))
    expect(findings.list()).toMatchObject([
      { reason: 'malformed', total: 2, recent: 2, last: { requestId: 'r-3' } },
      { reason: 'unauthenticated', total: 1, recent: 1, last: { requestId: 'r-2' } },
    ])
  })

  it('are recent for so many ticks, those that came late too', () => {
    const findings = new RecentFindings(3)
    findings.add(refused('malformed'), at(1))
    const recent = () => findings.list().map(({ reason, recent: count }) => `${reason} ${count}`)
    for (let tick = 0; tick < 2; tick += 1) findings.tick()
    expect(recent()).toEqual(['malformed 1'])
    findings.tick()
    findings.add(refused('unauthenticated'), at(2))
    expect(recent()).toEqual(['unauthenticated 1', 'malformed 0'])
    for (let tick = 0; tick < 2; tick += 1) findings.tick()
    expect(recent()).toEqual(['unauthenticated 1', 'malformed 0'])
    findings.tick()
    expect(recent()).toEqual(['unauthenticated 0', 'malformed 0'])
  })

  it('take no more room in a flood', () => {
    const findings = new RecentFindings(3)
    for (let count = 0; count < 10_000; count += 1) findings.add(refused('malformed'), at(count))
    expect(findings.list()).toHaveLength(1)
  })
})
