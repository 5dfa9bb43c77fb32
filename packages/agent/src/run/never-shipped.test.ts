import { describe, expect, it } from 'vitest'
import { NeverShipped } from './never-shipped.js'

describe('NeverShipped', () => {
  it('tells of each reason once, after a while, and again when it had gone', () => {
    const neverShipped = new NeverShipped(1_000)
    const empty = { empty: { count: 1, example: 'a.csv' } }
    const both = { ...empty, not_utf8: { count: 2, example: '\ufffd.csv' } }
    expect(neverShipped.see(empty, 0)).toEqual([])
    expect(neverShipped.see(both, 900)).toEqual([])
    expect(neverShipped.see(both, 1_000)).toEqual(['empty'])
    expect(neverShipped.see(both, 1_900)).toEqual(['not_utf8'])
    expect(neverShipped.see(both, 9_000)).toEqual([])
    expect(neverShipped.see({}, 9_100)).toEqual([])
    expect(neverShipped.see(empty, 9_200)).toEqual([])
    expect(neverShipped.see(empty, 10_200)).toEqual(['empty'])
  })
})
