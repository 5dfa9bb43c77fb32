import { describe, expect, it } from 'vitest'
import { Backoff, defaultBackoff } from './backoff.js'

describe('Backoff', () => {
  it('doubles from 200 ms to 5 s', () => {
    const backoff = new Backoff(defaultBackoff)
    const delays = Array.from({ length: 8 }, () => backoff.delayMs(50))
    expect(delays).toEqual([200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000])
  })

  it('begins anew after a life of ten seconds', () => {
    const backoff = new Backoff(defaultBackoff)
    backoff.delayMs(0)
    backoff.delayMs(0)
    expect(backoff.delayMs(9_999)).toBe(800)
    expect(backoff.delayMs(10_000)).toBe(200)
    expect(backoff.delayMs(0)).toBe(400)
  })
})
