import { describe, expect, it } from 'vitest'
import { currentLogs, differenceOf, logSetFrom, logSetOf, logSetText, unionOf } from './log-set.js'

describe('the set of logs', () => {
  it('is put together from what each place knows, in any order, and what is retired stays so', () => {
    const store = logSetOf(['a', 'b'])
    const fence = logSetOf(['a', 'b', 'c'], ['b'])
    expect(unionOf(store, fence)).toEqual(unionOf(fence, store))
    expect(currentLogs(unionOf(store, fence))).toEqual(new Set(['a', 'c']))
  })

  it('differs by what is reached and not indexed, and by what is indexed and not reached', () => {
    const known = logSetOf(['a', 'b', 'c'], ['c'])
    expect(differenceOf(known, ['a', 'b'])).toEqual({ added: [], missing: [] })
    expect(differenceOf(known, ['a', 'd', 'c'])).toEqual({ added: ['d'], missing: ['b'] })
  })

  it('is written and read back, and nothing is read from what is damaged', () => {
    const set = logSetOf(['a', 'b'], ['b'])
    expect(logSetFrom(logSetText(set))).toEqual(set)
    for (const damaged of [undefined, '', '{', 'null', '{"logs":1}']) {
      expect(logSetFrom(damaged)).toEqual(logSetOf([]))
    }
  })
})
