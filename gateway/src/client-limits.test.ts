import { describe, expect, it } from 'vitest'
import { ClientLimits, type ClientLimitsOptions } from './client-limits.js'

function limitsOf(options: Partial<ClientLimitsOptions>) {
  const clock = { ms: 1_000 }
  let refused = 0
  const limits = new ClientLimits({
    ...{ requestsPerSecond: 0, bytesPerSecond: 0, refusalsPerSecond: 0, bodyBytesMax: 1_000 },
    nowMs: () => clock.ms,
    onRefused: () => {
      refused += 1
    },
    ...options,
  })
  return { limits, clock, refused: () => refused }
}

describe('what one client may send', () => {
  it('is its own: another one is not refused for it', () => {
    const { limits, clock, refused } = limitsOf({ requestsPerSecond: 2 })
    expect([limits.take('192.0.2.1', 1), limits.take('192.0.2.1', 1)]).toEqual([undefined, undefined])
    expect(limits.take('192.0.2.1', 1)).toMatchObject({ code: 'rate_limited', retryAfterMs: 500 })
    expect(limits.take('192.0.2.2', 1)).toBeUndefined()
    clock.ms += 500
    expect(limits.take('192.0.2.1', 1)).toBeUndefined()
    expect(refused()).toBe(1)
  })

  it('is measured in bytes too, and one body is always let through', () => {
    const { limits, clock } = limitsOf({ bytesPerSecond: 100, bodyBytesMax: 1_000 })
    expect(limits.take('a', 1_000)).toBeUndefined()
    expect(limits.take('a', 100)).toMatchObject({ retryAfterMs: 1_000 })
    clock.ms += 10_000
    expect(limits.take('a', 1_000)).toBeUndefined()
  })

  it('is told ahead without being taken, and what was sent in vain is owed, at most a burst', () => {
    const { limits, clock } = limitsOf({ bytesPerSecond: 100, bodyBytesMax: 1_000 })
    expect(limits.refusalAhead('a', 1_000)).toBeUndefined()
    expect(limits.refusalAhead('a', 1_000)).toBeUndefined()
    limits.charge('a', 500)
    expect(limits.refusalAhead('a', 1_000)).toMatchObject({ code: 'rate_limited', retryAfterMs: 5_000 })
    limits.charge('a', 1_000_000)
    expect(limits.refusalAhead('a', 0)).toMatchObject({ retryAfterMs: 10_000 })
    expect(limits.take('b', 1_000)).toBeUndefined()
    clock.ms += 20_000
    expect(limits.take('a', 1_000)).toBeUndefined()
  })

  it('hears late of further refusals, and a dear one takes those of a second', () => {
    const { limits, clock } = limitsOf({ refusalsPerSecond: 2 })
    const delays = [1, 2, 3].map(() => limits.refusalDelayMs('a', false))
    expect(delays).toEqual([0, 0, 1_000])
    clock.ms += 2_000
    expect([limits.refusalDelayMs('a', true), limits.refusalDelayMs('a', false)]).toEqual([0, 1_000])
    expect(limits.refusalDelayMs('b', false)).toBe(0)
    expect(limitsOf({}).limits.refusalDelayMs('a', true)).toBe(0)
  })

  it('is remembered of so many, the quietest is forgotten first', () => {
    const { limits } = limitsOf({ requestsPerSecond: 1, clientsMax: 2 })
    for (const client of ['a', 'b']) limits.take(client, 1)
    expect(limits.take('a', 1)).toBeDefined()
    expect(limits.take('c', 1)).toBeUndefined()
    expect(limits.take('a', 1)).toBeDefined()
    expect(limits.take('b', 1)).toBeUndefined()
  })

  it('is anything where nothing is asked for', () => {
    const { limits } = limitsOf({})
    for (let count = 0; count < 1_000; count += 1) expect(limits.take('a', 1_000)).toBeUndefined()
  })
})
