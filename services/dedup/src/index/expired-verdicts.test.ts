import { expect, it } from 'vitest'
import { ExpiredVerdicts } from './expired-verdicts.js'

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
