import { describe, expect, it } from 'vitest'
import { tooLong } from './file-length.mjs'

const lines = (/** @type {number} */ count) => 'x\n'.repeat(count)

describe('tooLong', () => {
  it('takes 400 lines, with or without the last end', () => {
    expect(tooLong([{ path: 'a.ts', text: lines(400) }])).toBeUndefined()
    expect(tooLong([{ path: 'a.ts', text: `${lines(399)}x` }])).toBeUndefined()
  })

  it('names what is longer', () => {
    const files = [
      { path: 'a.ts', text: lines(401) },
      { path: 'b.ts', text: lines(1) },
      { path: 'c.ts', text: `${lines(500)}x` },
    ]
    expect(tooLong(files)).toBe('longer than 400 lines: a.ts (401), c.ts (501)')
  })
})
