import { describe, expect, it } from 'vitest'
import { exactFixed9, fixed9 } from './fixed-decimal.js'

describe('nine decimals as Python writes them', () => {
  it.each([
    [0, '0.000000000'],
    [-0, '-0.000000000'],
    [1, '1.000000000'],
    [-2.5, '-2.500000000'],
    [1700000000.123456, '1700000000.123456001'],
    [0.1, '0.100000000'],
    [1e-10, '0.000000000'],
    [-1e-10, '-0.000000000'],
    [5e-324, '0.000000000'],
    [2 ** 53, '9007199254740992.000000000'],
    [1e21, '1000000000000000000000.000000000'],
    [1e23, '99999999999999991611392.000000000'],
    [-1.5e22, '-15000000000000000000000.000000000'],
  ])('%d is %s', (value, text) => {
    expect(fixed9(value)).toBe(text)
  })

  it.each([
    [2 ** -10, '0.000976562'],
    [3 * 2 ** -10, '0.002929688'],
    [-(2 ** -10), '-0.000976562'],
    [1 + 2 ** -10, '1.000976562'],
  ])('a tie goes to the even digit: %d is %s', (value, text) => {
    expect(fixed9(value)).toBe(text)
  })

  it('are the exact ones for any number', () => {
    const bits = new BigUint64Array(1)
    const value = new Float64Array(bits.buffer)
    let random = 88_172_645_463_325_252n
    const next = (): bigint => {
      random ^= BigInt.asUintN(64, random << 13n)
      random ^= random >> 7n
      random ^= BigInt.asUintN(64, random << 17n)
      return random
    }
    for (let round = 0; round < 20_000; round++) {
      // exponents around those of times, and small multiples of 2^-11, many of which are ties
      const exponent = 1023n - 45n + (next() % 120n)
      bits[0] = (next() & ((1n << 63n) | ((1n << 52n) - 1n))) | (exponent << 52n)
      expect(fixed9(value[0] ?? 0)).toBe(exactFixed9(value[0] ?? 0))
      const tie = Number(next() % 100_000n) / 2048 - 20
      expect(fixed9(tie)).toBe(exactFixed9(tie))
    }
  })

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('refuses %d', (value) => {
    expect(() => fixed9(value)).toThrow(RangeError)
  })
})
