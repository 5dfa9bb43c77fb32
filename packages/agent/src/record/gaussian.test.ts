import { describe, expect, it } from 'vitest'
import { GaussianSource } from './gaussian.js'

describe('normal deviates', () => {
  // numpy.random.RandomState(seed).randn(5)
  it.each([
    [0, [1.764052345967664, 0.4001572083672233, 0.9787379841057392, 2.240893199201458, 1.8675579901499675]],
    [
      42,
      [
        0.4967141530112327, -0.13826430117118466, 0.6476885381006925, 1.5230298564080254,
        -0.23415337472333597,
      ],
    ],
  ])('of the seed %d are those of the deployed agents', (seed, expected) => {
    const source = new GaussianSource(seed)
    expect(expected.map(() => source.next())).toEqual(expected)
  })
})
