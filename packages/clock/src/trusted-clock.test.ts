import { describe, expect, it } from 'vitest'
import { TrustedClock } from './trusted-clock.js'

const HOUR_MS = 3_600_000

function clocks() {
  const state = { wallMs: 1_800_000_000_000, monotonicMs: 5_000 }
  const clock = new TrustedClock(
    () => state.wallMs,
    () => state.monotonicMs,
  )
  const pass = (ms: number): void => {
    state.wallMs += ms
    state.monotonicMs += ms
  }
  return { clock, state, pass }
}

describe('the trusted clock', () => {
  it('goes with the time', () => {
    const { clock, pass } = clocks()
    pass(HOUR_MS)
    expect(clock.nowMs()).toBe(1_800_000_000_000 + HOUR_MS)
    expect(clock.jumpMs()).toBe(0)
  })

  it.each([
    ['ahead', 400 * 24 * HOUR_MS],
    ['back', -24 * HOUR_MS],
  ])('does not follow a wall clock that jumps %s', (_, jumpMs) => {
    const { clock, state, pass } = clocks()
    state.wallMs += jumpMs
    pass(1_000)
    expect(clock.nowMs()).toBe(1_800_000_001_000)
    expect(clock.jumpMs()).toBe(jumpMs)
  })
})
