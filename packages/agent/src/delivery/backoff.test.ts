import { describe, expect, it } from 'vitest'
import { RETRY_AFTER_MS_MAX, retryAfterMs, waitMs } from './backoff.js'

describe('waitMs', () => {
  const policy = { baseMs: 100, capMs: 1_000 }

  it.each([
    [1, 100],
    [2, 200],
    [3, 400],
    [4, 800],
    [5, 1_000],
    [6, 1_000],
    [5_000, 1_000],
  ])('after %i failures is anything below %i ms', (failures, limitMs) => {
    expect(waitMs(policy, failures, 0, 0)).toBe(0)
    expect(waitMs(policy, failures, 0, 0.5)).toBe(limitMs / 2)
    expect(waitMs(policy, failures, 0, 0.999)).toBeCloseTo(limitMs * 0.999)
  })

  it('is never less than what is asked for, and more than that by the back-off or a fifth', () => {
    expect(waitMs(policy, 3, 1_000, 0)).toBe(1_000)
    expect(waitMs(policy, 3, 1_000, 0.5)).toBe(1_200)
    expect(waitMs(policy, 1, 10_000, 0.5)).toBe(11_000)
  })
})

describe('retryAfterMs', () => {
  const noon = Date.parse('2026-07-01T12:00:00Z')
  const at = (retryAfter: string | undefined, date?: string) => retryAfterMs({ retryAfter, date }, noon)

  it.each([
    ['0', 0],
    ['7', 7_000],
    [' 120 ', 120_000],
    ['99999999999999999999', RETRY_AFTER_MS_MAX],
  ])('takes the seconds %j', (text, ms) => expect(at(text)).toBe(ms))

  it.each([
    ['Wed, 01 Jul 2026 12:00:09 GMT', 9_000],
    ['Wednesday, 01-Jul-26 12:00:09 GMT', 9_000],
    ['Wed Jul  1 12:00:09 2026', 9_000],
    ['Wed, 01 Jul 2026 11:00:00 GMT', 0],
    ['Thu, 02 Jul 2026 12:00:00 GMT', RETRY_AFTER_MS_MAX],
  ])('takes the date %j', (text, ms) => expect(at(text)).toBe(ms))

  it('compares a date with the clock of who sent it', () => {
    const hourLater = 'Wed, 01 Jul 2026 13:00:00 GMT'
    expect(at('Wed, 01 Jul 2026 13:00:05 GMT', hourLater)).toBe(5_000)
    expect(at('Wed, 01 Jul 2026 13:00:05 GMT', 'nonsense')).toBe(RETRY_AFTER_MS_MAX)
  })

  it.each([undefined, '', '-1', '1.5', 'soon', '2026-07-01T12:00:09Z', 'Wed, 99 Jul 2026 99:00:09 GMT'])(
    'takes nothing from %j',
    (text) => expect(at(text)).toBeUndefined(),
  )
})
