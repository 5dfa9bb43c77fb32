import { describe, expect, it } from 'vitest'
import { type ClockView, judgeClock } from './clock-rule.js'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

function stateOf(changes: Partial<ClockView>): string {
  const alone: ClockView = {
    ...{ limitMs: 5 * MINUTE_MS, hostId: 'here', jumpMs: 0, peers: [], logs: [], awaitsLog: false },
  }
  return judgeClock({ ...alone, ...changes }).state
}
const peer = (hostId: string, aheadMs = 0) => ({ hostId, aheadMs })
const log = (aheadMs: number, unconfirmed = false) => ({ aheadMs, unconfirmed })

describe('the rule about a clock', () => {
  it.each<[string, Partial<ClockView>, string]>([
    ['that nothing contradicts', {}, 'trusted'],
    ['that agrees with its log', { logs: [log(-MINUTE_MS)] }, 'trusted'],
    ['that has jumped less than the limit', { jumpMs: 4 * MINUTE_MS }, 'trusted'],
    ['that has jumped ahead', { jumpMs: HOUR_MS }, 'off'],
    ['that has jumped back', { jumpMs: -15 * DAY_MS }, 'off'],
    ['behind the last stamp', { logs: [log(HOUR_MS)] }, 'off'],
    ['behind the last stamp, with a witness', { logs: [log(HOUR_MS)], peers: [peer('there')] }, 'off'],
    ['behind the last stamp by less than the limit', { logs: [log(4 * MINUTE_MS)] }, 'trusted'],
    ['ahead of a log', { logs: [log(-HOUR_MS)] }, 'unconfirmed'],
    ['ahead of one of two logs', { logs: [log(0), log(-HOUR_MS)] }, 'unconfirmed'],
    ['of which the log is in doubt', { logs: [log(0, true)] }, 'unconfirmed'],
    [
      'ahead of a log, with peers on this host',
      { logs: [log(0, true)], peers: [peer('here')] },
      'unconfirmed',
    ],
    ['ahead of a log, with a witness', { logs: [log(-HOUR_MS)], peers: [peer('there')] }, 'trusted'],
    ['that has not seen its log', { awaitsLog: true }, 'unconfirmed'],
    ['away from its only peer', { peers: [peer('there', 15 * DAY_MS)] }, 'off'],
    ['away from its only peer, on this host', { peers: [peer('here', -HOUR_MS)] }, 'off'],
    ['with one of two peers', { peers: [peer('there'), peer('beyond', DAY_MS)] }, 'trusted'],
    ['against both peers', { peers: [peer('there', DAY_MS), peer('beyond', DAY_MS)] }, 'off'],
    [
      'against one host, however many processes it has',
      { peers: [peer('there', DAY_MS), peer('there', DAY_MS), peer('beyond')] },
      'trusted',
    ],
    [
      'with the processes of its own host alone',
      { peers: [peer('here'), peer('here'), peer('there', DAY_MS)] },
      'off',
    ],
    ['with half of all', { peers: [peer('b'), peer('c', DAY_MS), peer('d', DAY_MS)] }, 'off'],
  ])('judges one %s', (_, view, state) => {
    expect(stateOf(view)).toBe(state)
  })

  it('says how far, and what to do', () => {
    const view = { limitMs: 1_000, hostId: 'here', jumpMs: 0, logs: [], awaitsLog: false }
    const { offsetMs, why } = judgeClock({
      ...view,
      peers: [peer('there', -15 * DAY_MS), peer('b', MINUTE_MS)],
    })
    expect(offsetMs).toBe(15 * DAY_MS)
    expect(why).toContain('15 d from those of its peers')
    expect(judgeClock({ ...view, peers: [], logs: [log(2 * HOUR_MS)] })).toMatchObject({
      offsetMs: -2 * HOUR_MS,
      why: expect.stringContaining('pcs clock confirm'),
    })
  })
})
