import { describe, expect, it } from 'vitest'
import { EndpointState } from './endpoint-state.js'

const policy = { baseMs: 100, capMs: 1_000 }

describe('EndpointState', () => {
  it('lets all go while it is up', () => {
    expect(new EndpointState(policy).allowance(0, 8)).toBe(8)
  })

  it('sends nothing, then one, then all', () => {
    const state = new EndpointState(policy)
    state.failed(0, 0, 0.5)
    expect(state.untilMs).toBe(50)
    expect(state.allowance(49, 8)).toBe(0)
    expect(state.allowance(50, 8)).toBe(1)
    expect(state.isDown).toBe(true)
    state.answered()
    expect(state.allowance(50, 8)).toBe(8)
  })

  it('waits longer with each outage, and takes those that fail together for one', () => {
    const state = new EndpointState(policy)
    for (let request = 0; request < 8; request++) state.failed(0, 0, 0.5)
    expect(state.untilMs).toBe(50)
    state.failed(60, 0, 0.5)
    expect(state.untilMs).toBe(160)
    state.failed(200, 0, 0.5)
    expect(state.untilMs).toBe(400)
  })

  it('keeps to a wait that was asked for, whatever else is answered meanwhile', () => {
    const state = new EndpointState(policy)
    state.failed(0, 5_000, 0)
    state.failed(1, 0, 0.1)
    state.answered()
    expect(state.allowance(4_999, 8)).toBe(0)
    expect(state.allowance(5_000, 8)).toBe(8)
  })

  it('backs off also from one that asks for no wait', () => {
    const state = new EndpointState(policy)
    let nowMs = 0
    const waits: number[] = []
    for (let failure = 0; failure < 5; failure++) {
      state.failed(nowMs, 0, 0.5)
      waits.push(state.untilMs - nowMs)
      nowMs = state.untilMs
    }
    expect(waits).toEqual([50, 100, 200, 400, 500])
  })

  it('does not let a fleet that was told one wait return in step', () => {
    const returnsMs = Array.from({ length: 100 }, (_, agent) => {
      const state = new EndpointState(policy)
      state.failed(0, 5_000, agent / 100)
      return state.untilMs
    })
    expect(Math.min(...returnsMs)).toBe(5_000)
    // over a fifth of the wait, evenly
    for (let part = 0; part < 10; part++) {
      const fromMs = 5_000 + part * 100
      expect(returnsMs.filter((ms) => ms >= fromMs && ms < fromMs + 100)).toHaveLength(10)
    }
  })
})
