import { hostIdOf } from '@fractal-lba/clock'
import { describe, expect, it } from 'vitest'
import { ProcessClock } from './process-clock.js'

const START_MS = 1_800_000_000_000
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

function clockAt(wallMs = START_MS, hostId = 'here') {
  const time = { wallMs, monotonicMs: 5_000 }
  const clock = new ProcessClock({
    ...{ limitMs: 300_000, hostId, wall: () => time.wallMs, monotonic: () => time.monotonicMs },
  })
  const pass = (ms: number): void => {
    time.wallMs += ms
    time.monotonicMs += ms
    clock.judge()
  }
  const jump = (ms: number): void => {
    time.wallMs += ms
    clock.judge()
  }
  const meet = (other: { clock: ProcessClock }): void => {
    clock.notePeer(other.clock.reading(), time.monotonicMs, time.monotonicMs)
  }
  const seeLog = (nowMs: number, unconfirmed = false): void => {
    clock.noteLog('place', { logId: 'log', nowMs, unconfirmed }, time.monotonicMs, time.monotonicMs)
  }
  return { clock, pass, jump, meet, seeLog }
}

describe("a process's clock", () => {
  it('lets things expire with the time while nothing contradicts it', () => {
    const { clock, pass } = clockAt()
    pass(HOUR_MS)
    expect([clock.expiredMs(), clock.latestMs(), clock.earliestMs()]).toEqual(
      Array(3).fill(START_MS + HOUR_MS),
    )
  })

  it.each([15 * DAY_MS, -15 * DAY_MS, HOUR_MS, -HOUR_MS])(
    'lets nothing expire after a jump by %i ms',
    (jumpMs) => {
      const { clock, pass, jump } = clockAt()
      pass(HOUR_MS)
      const before = clock.expiredMs()
      jump(jumpMs)
      pass(HOUR_MS)
      expect(clock.isTrusted).toBe(false)
      expect(clock.expiredMs()).toBe(before)
      jump(-jumpMs)
      expect(clock.expiredMs()).toBe(START_MS + 2 * HOUR_MS)
    },
  )

  it('lets nothing expire before a log has told its time, and then by a clock that agrees with it', () => {
    const { clock, seeLog } = clockAt()
    clock.awaitLog()
    expect(clock.expiredMs()).toBe(0)
    seeLog(START_MS - HOUR_MS)
    expect(clock.expiredMs()).toBe(0)
    seeLog(START_MS + 1_000)
    expect(clock.expiredMs()).toBe(START_MS)
  })

  it('counts new expiries from the latest clock, and tells servers the earliest, while it is not trusted', () => {
    const wrong = clockAt(START_MS - 15 * DAY_MS)
    wrong.meet(clockAt(START_MS, 'there'))
    wrong.seeLog(START_MS - 20 * DAY_MS)
    expect(wrong.clock.latestMs()).toBe(START_MS)
    expect(wrong.clock.earliestMs()).toBe(START_MS - 20 * DAY_MS)
  })

  it('is confirmed by a process on another host, not by one on its own', () => {
    const rested = clockAt()
    rested.seeLog(START_MS, true)
    rested.meet(clockAt(START_MS, 'here'))
    expect(rested.clock.judgement.state).toBe('unconfirmed')
    rested.meet(clockAt(START_MS + 60_000, 'there'))
    expect(rested.clock.isTrusted).toBe(true)
  })

  it('takes the wall clock over when that is confirmed', () => {
    const { clock, pass, jump, seeLog } = clockAt(START_MS + 15 * DAY_MS)
    pass(HOUR_MS)
    expect(clock.expiredMs()).toBe(START_MS + 15 * DAY_MS + HOUR_MS)
    jump(-15 * DAY_MS)
    expect(() => clock.confirm(START_MS + 15 * DAY_MS)).toThrow('set the wrong one right')
    clock.confirm(START_MS + HOUR_MS + 60_000)
    seeLog(START_MS + HOUR_MS)
    expect(clock.isTrusted).toBe(true)
    expect(clock.expiredMs()).toBe(START_MS + HOUR_MS)
  })

  it('tells whole milliseconds, which stamps and messages are made of', () => {
    const { clock, pass } = clockAt()
    pass(0.4)
    pass(10.7)
    expect(clock.nowMs()).toBe(START_MS + 11)
    expect(clock.reading().nowMs).toBe(START_MS + 11)
  })

  it('is no peer of itself', () => {
    const one = clockAt()
    one.meet(one)
    one.jump(HOUR_MS)
    one.clock.confirm(START_MS + HOUR_MS)
    expect(one.clock.isTrusted).toBe(true)
  })

  it('shares a log as the common clock', () => {
    const one = clockAt(START_MS)
    const other = clockAt(START_MS + HOUR_MS)
    expect(one.clock.logClocksMs()).toEqual(new Map([['', START_MS]]))
    for (const { seeLog } of [one, other]) seeLog(START_MS + 60_000)
    expect(one.clock.logClocksMs()).toEqual(new Map([['log', START_MS + 60_000]]))
    expect(other.clock.logClocksMs()).toEqual(one.clock.logClocksMs())
  })

  it('names its host as all processes of it do', () => {
    expect(hostIdOf()).toBe(hostIdOf())
    expect(hostIdOf(() => '6b4d2f80-0d5a-4b5c-8a5e-0d1f9a2b3c4d\n')).toBe(
      '6b4d2f80-0d5a-4b5c-8a5e-0d1f9a2b3c4d',
    )
    expect(
      hostIdOf(() => {
        throw new Error('there is no /proc')
      }),
    ).toMatch(/^[0-9a-f]{32}$/)
  })
})
