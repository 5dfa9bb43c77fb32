import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { TrustedClock, watchClock } from './trusted-clock.js'

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

  it('is watched: a jump is said once, and so is the way back', () => {
    vi.useFakeTimers()
    onTestFinished(() => {
      vi.useRealTimers()
    })
    const { clock, state } = clocks()
    const stopping = new AbortController()
    const said: number[] = []
    watchClock(clock, stopping.signal, (jumpMs) => said.push(jumpMs))
    vi.advanceTimersByTime(3_000)
    state.wallMs += 4_000
    vi.advanceTimersByTime(3_000)
    expect(said).toEqual([])
    state.wallMs += HOUR_MS
    vi.advanceTimersByTime(3_000)
    expect(said).toEqual([HOUR_MS + 4_000])
    state.wallMs -= HOUR_MS + 4_000
    vi.advanceTimersByTime(3_000)
    expect(said).toEqual([HOUR_MS + 4_000, 0])
    stopping.abort()
    state.wallMs += HOUR_MS
    vi.advanceTimersByTime(3_000)
    expect(said).toHaveLength(2)
  })
})
