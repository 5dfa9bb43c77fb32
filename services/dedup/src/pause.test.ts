import { describe, expect, it } from 'vitest'
import { Backoff, pause } from './pause.js'

describe('a pause', () => {
  it('ends early when the signal is aborted, and at once when it was', async () => {
    const stopping = new AbortController()
    const long = pause(3_600_000, stopping.signal)
    stopping.abort()
    await long
    await pause(3_600_000, stopping.signal)
  })
})

describe('a backoff', () => {
  it('doubles up to its limit, with some chance in it, and begins again', () => {
    const backoff = new Backoff(100, 1_000)
    for (const mostMs of [100, 200, 400, 800, 1_000, 1_000]) {
      const ms = backoff.next()
      expect(ms).toBeGreaterThanOrEqual(mostMs / 2)
      expect(ms).toBeLessThanOrEqual(mostMs)
    }
    backoff.reset()
    expect(backoff.next()).toBeLessThanOrEqual(100)
  })
})
