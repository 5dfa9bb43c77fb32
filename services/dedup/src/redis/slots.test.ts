import { describe, expect, it } from 'vitest'
import { SLOTS, slotOf, tagFor } from './slots.js'

describe('slots', () => {
  // As CLUSTER KEYSLOT says.
  it.each([
    ['', 0],
    ['123456789', 12_739],
    ['foo', 12_182],
    ['{foo}bar', 12_182],
    ['a{foo}{bar}', 12_182],
    ['{}foo', 9_500],
    ['foo{', 7_673],
  ])('puts %j into %i', (key, slot) => {
    expect(slotOf(Buffer.from(key))).toBe(slot)
  })

  it('finds a tag for a slot, which puts a key there', () => {
    for (const slot of [0, 1, 5_461, 10_923, SLOTS - 1]) {
      expect(slotOf(Buffer.from(`flk:{${tagFor(slot)}}marker`))).toBe(slot)
    }
  })
})
