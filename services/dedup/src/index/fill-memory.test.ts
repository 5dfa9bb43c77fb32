import { describe, expect, it } from 'vitest'
import { pcsIdOf } from '../testing/verdicts.js'
import { ExpiredVerdicts, SeenIds } from './fill-memory.js'

it('holds exactly the positions that were added, of each log', () => {
  const ended = new ExpiredVerdicts()
  const [logId, other] = ['aa', 'bb']
  const positions = [1, 2, 9, 32_767, 32_768, 65_536, 2 ** 40]
  for (const sequence of positions) ended.add({ logId, sequence })
  for (const sequence of positions) {
    expect(ended.has({ logId, sequence })).toBe(true)
    expect(ended.has({ logId: other, sequence })).toBe(false)
  }
  for (const sequence of [3, 8, 10, 32_766, 32_769, 65_535, 65_537, 2 ** 40 + 1]) {
    expect(ended.has({ logId, sequence })).toBe(false)
  }
})

describe('seen ids', () => {
  it('are known, and others hardly ever', () => {
    const seen = new SeenIds()
    const names = Array.from({ length: 20_000 }, (_, index) => index)
    for (const name of names) seen.add(pcsIdOf(name))
    expect(names.every((name) => seen.has(pcsIdOf(name)))).toBe(true)
    expect(names.filter((name) => seen.has(pcsIdOf(`other ${name}`)))).toEqual([])
  })
})
