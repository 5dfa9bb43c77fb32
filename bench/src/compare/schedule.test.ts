import { describe, expect, it } from 'vitest'
import { turnsOf } from './schedule.js'

describe('turnsOf', () => {
  it('swaps the order in every second round', () => {
    const order = [0, 1, 2, 3].flatMap((round) => turnsOf(['old', 'new'], round))
    expect(order).toEqual(['old', 'new', 'new', 'old', 'old', 'new', 'new', 'old'])
  })

  it('gives each contender one turn in each round', () => {
    for (const round of [0, 1]) expect([...turnsOf(['a', 'b', 'c'], round)].sort()).toEqual(['a', 'b', 'c'])
  })
})
