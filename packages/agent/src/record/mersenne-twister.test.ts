import { describe, expect, it } from 'vitest'
import { MersenneTwister } from './mersenne-twister.js'

describe('MT19937', () => {
  it('gives the 10,000th number that the C++ standard names for the seed 5489', () => {
    const generator = new MersenneTwister(5489)
    for (let i = 1; i < 10_000; i++) generator.nextUint32()
    expect(generator.nextUint32()).toBe(4123659995)
  })

  it('gives the doubles of numpy.random.RandomState(42)', () => {
    const generator = new MersenneTwister(42)
    expect([generator.nextDouble(), generator.nextDouble()]).toEqual([0.3745401188473625, 0.9507143064099162])
  })

  it.each([
    [-1, 2 ** 32 - 1],
    [2 ** 32 + 7, 7],
    [-(2 ** 53 - 1), 1],
    [2 ** 53 - 1, 2 ** 32 - 1],
  ])('takes the seed %d modulo 2^32', (seed, same) => {
    expect(new MersenneTwister(seed).nextUint32()).toBe(new MersenneTwister(same).nextUint32())
  })
})
