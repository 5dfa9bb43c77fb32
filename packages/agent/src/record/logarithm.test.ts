import { describe, expect, it } from 'vitest'
import { naturalLogarithm } from './logarithm.js'

describe('the natural logarithm', () => {
  // Made with 200 bits of precision; Math.log of V8 differs from most of them in the last place.
  it.each([
    [0.6094869408081702, -0.49513775636390417],
    [0.045339359146393754, -3.0935797684006663],
    [0.18060129206416775, -1.7114634837382006],
    [0.5796935881037995, -0.5452556114121284],
    [1.2638284160945069e-6, -13.58136501821471],
    [3.9083486230117947e-7, -14.75498071323049],
    [4.930380657631324e-32, -72.0873067782343],
    [0.9999999999999999, -1.1102230246251565e-16],
  ])('of %d is %d', (q, expected) => {
    expect(naturalLogarithm(q)).toBe(expected)
  })

  it('stays within one unit in the last place of the engine’s own', () => {
    for (let i = 1; i < 2000; i++) {
      const q = i / 2000
      const own = naturalLogarithm(q)
      expect(Math.abs(own - Math.log(q))).toBeLessThanOrEqual(Math.abs(own) * 2 ** -52)
    }
  })
})
