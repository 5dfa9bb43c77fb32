import { describe, expect, it } from 'vitest'
import { requestIdFrom } from './request-id.js'

describe('requestIdFrom', () => {
  it.each(['a', 'A-9', '0', '-', 'x'.repeat(64)])('takes over %j', (offered) => {
    expect(requestIdFrom(offered)).toBe(offered)
  })

  it.each([
    undefined,
    '',
    'x'.repeat(65),
    'a b',
    'a_b',
    'a\r\nSet-Cookie: x=1',
    'a\n',
    'ä',
    'a, b',
    ['a'],
    ['a', 'b'],
  ])('makes its own instead of %j', (offered) => {
    const made = requestIdFrom(offered)
    expect(made).toMatch(/^[A-Za-z0-9-]{1,64}$/)
    expect(made).not.toBe(offered)
    expect(requestIdFrom(offered)).not.toBe(made)
  })
})
