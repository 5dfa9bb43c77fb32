import { describe, expect, it } from 'vitest'
import { pairedRatios, quartilesOf } from './statistics.js'

describe('quartilesOf', () => {
  it.each([
    [[5, 1, 4, 2, 3], { q1: 2, median: 3, q3: 4 }],
    [[1, 2, 3, 4], { q1: 1.75, median: 2.5, q3: 3.25 }],
    [[10, 9], { q1: 9.25, median: 9.5, q3: 9.75 }],
    [[7], { q1: 7, median: 7, q3: 7 }],
    [[], { q1: Number.NaN, median: Number.NaN, q3: Number.NaN }],
  ])('of %j', (values, expected) => {
    expect(quartilesOf(values)).toEqual(expected)
  })
})

describe('pairedRatios', () => {
  it('divides window by window, so that drift of the machine falls out', () => {
    expect(pairedRatios([2, 20, 200], [4, 40, 400])).toEqual([0.5, 0.5, 0.5])
  })

  it('takes no window without its partner', () => {
    expect(() => pairedRatios([1, 2], [1])).toThrow('no partner')
  })
})
