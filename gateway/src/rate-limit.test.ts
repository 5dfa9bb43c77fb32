import { describe, expect, it } from 'vitest'
import { RateLimit } from './rate-limit.js'

function limitOf(tokensPerSecond: number) {
  const clock = { ms: 1_000_000.25 }
  let refused = 0
  const limit = new RateLimit({
    tokensPerSecond,
    nowMs: () => clock.ms,
    onRefused: () => {
      refused += 1
    },
  })
  return { limit, clock, refused: () => refused }
}

describe('RateLimit', () => {
  it('gives a burst as large as the rate, then refuses and counts', () => {
    const { limit, refused } = limitOf(3)
    expect([limit.take(1), limit.take(1), limit.take(1)]).toEqual([undefined, undefined, undefined])
    expect(refused()).toBe(0)
    expect(limit.take(1)?.code).toBe('rate_limited')
    expect(refused()).toBe(1)
  })

  it('fills with the clock and never beyond the burst', () => {
    const { limit, clock } = limitOf(2)
    limit.take(2)
    clock.ms += 499
    expect(limit.take(1)).toBeDefined()
    clock.ms += 1
    expect(limit.take(1)).toBeUndefined()
    clock.ms += 3_600_000
    expect(limit.take(2)).toBeUndefined()
    expect(limit.take(1)).toBeDefined()
  })

  it('takes all tokens or none', () => {
    const { limit } = limitOf(4)
    expect(limit.take(5)).toBeDefined()
    expect(limit.take(4)).toBeUndefined()
  })

  it.each([
    { rate: 1000, taken: 1000, waitMs: 1 },
    { rate: 4, taken: 4, waitMs: 250 },
    { rate: 1, taken: 1, waitMs: 1000 },
    { rate: 0.1, taken: 1, waitMs: 10_000 },
  ])('tells exactly how long it takes to the next token, at $rate/s', ({ rate, taken, waitMs }) => {
    const { limit, clock } = limitOf(rate)
    expect(limit.take(taken)).toBeUndefined()
    const refusal = limit.take(1)
    expect(refusal?.retryAfterMs).toBe(waitMs)
    clock.ms += waitMs - 0.5
    expect(limit.take(1)).toBeDefined()
    clock.ms += 0.5
    expect(limit.take(1)).toBeUndefined()
  })

  it('keeps its promise after many small steps of the clock', () => {
    const { limit, clock } = limitOf(10)
    limit.take(10)
    for (let step = 0; step < 1000; step += 1) {
      clock.ms += 0.1
      limit.fields()
    }
    expect(limit.take(1)).toBeUndefined()
  })

  it('tells policy and state as structured fields', () => {
    const { limit, clock } = limitOf(1000)
    expect(limit.fields()).toEqual({ policy: '"default";q=1000;w=1', state: '"default";r=1000;t=0' })
    limit.take(1)
    expect(limit.fields()?.state).toBe('"default";r=999;t=1')
    limit.take(999)
    expect(limit.fields()?.state).toBe('"default";r=0;t=1')
    clock.ms += 500
    expect(limit.fields()?.state).toBe('"default";r=500;t=1')
  })

  it('holds one token where the rate is below one per second', () => {
    const { limit } = limitOf(0.25)
    expect(limit.fields()).toEqual({ policy: '"default";q=1;w=4', state: '"default";r=1;t=0' })
    expect(limit.take(1)).toBeUndefined()
    expect(limit.fields()?.state).toBe('"default";r=0;t=4')
    expect(limit.take(1)?.retryAfterMs).toBe(4000)
  })

  it('0 is off: takes everything and tells nothing', () => {
    const { limit, refused } = limitOf(0)
    for (let count = 0; count < 10_000; count += 1) expect(limit.take(1_000)).toBeUndefined()
    expect(limit.fields()).toBeUndefined()
    expect(refused()).toBe(0)
  })
})
