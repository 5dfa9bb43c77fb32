import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { compressibility } from './compressibility.js'

describe('r', () => {
  it('is 1 without bytes', () => {
    expect(compressibility(new Uint8Array())).toBe(1)
  })

  it('is never above 1, though zlib grows what it cannot compress', () => {
    expect(compressibility(randomBytes(100))).toBe(1)
  })

  it('is small for what repeats, with nine decimals at most', () => {
    const r = compressibility(Buffer.from('abc,'.repeat(750)))
    expect(r).toBeGreaterThan(0)
    expect(r).toBeLessThan(0.02)
    expect(r).toBe(Number(r.toFixed(9)))
  })
})
