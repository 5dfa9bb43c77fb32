import { describe, expect, it } from 'vitest'
import { sumOf, sumText } from './sum.mjs'

const end = (/** @type {string} */ output, code = 0) => ({ code, output })

describe('the sum of several runs', () => {
  it('adds what each closed with', () => {
    const sum = sumOf([end('x\n10 passed, 0 failed, 1 skipped\n'), end('2 passed, 0 failed, 3 skipped')])
    expect(sumText(sum)).toBe('12 passed, 0 failed, 4 skipped')
  })

  it.each([
    ['nothing', end('', 1)],
    ['another last line', end('1 passed, 0 failed, 0 skipped\nkilled', 1)],
    ['another last line, and an exit that says all is well', end('done')],
    ['an exit that contradicts its line', end('1 passed, 0 failed, 0 skipped', 1)],
  ])('counts a run that closed with %s as one failed', (_name, run) => {
    expect(sumOf([end('5 passed, 0 failed, 0 skipped'), run]).failed).toBe(1)
  })

  it('counts a run that is one test by its exit code', () => {
    const smoke = (/** @type {number} */ code) => ({ ...end('a report', code), isOneTest: true })
    const tests = end('5 passed, 0 failed, 0 skipped')
    expect(sumOf([tests, smoke(0)])).toEqual({ passed: 6, failed: 0, skipped: 0 })
    expect(sumOf([tests, smoke(1)])).toEqual({ passed: 5, failed: 1, skipped: 0 })
  })

  it('takes the failures that a run names', () => {
    expect(sumOf([end('5 passed, 2 failed, 0 skipped', 1)])).toEqual({ passed: 5, failed: 2, skipped: 0 })
  })
})
