import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { merkleRoot } from './merkle.js'

const hash = (text: string) => createHash('sha256').update(text).digest('hex')
const bytes = (text: string) => new TextEncoder().encode(text)

describe('the Merkle root', () => {
  it('is 64 zeros without leaves', () => {
    expect(merkleRoot(bytes(''))).toBe('0'.repeat(64))
  })

  it('is the leaf itself when there is one', () => {
    expect(merkleRoot(bytes('abc'))).toBe(hash('abc'))
  })

  it('hashes the joined hex texts of two', () => {
    expect(merkleRoot(bytes('abcd'), 2)).toBe(hash(hash('ab') + hash('cd')))
  })

  it('pairs an odd last node with itself, at each level', () => {
    const [ab, cd, ef] = [hash('ab'), hash('cd'), hash('e')]
    expect(merkleRoot(bytes('abcde'), 2)).toBe(hash(hash(ab + cd) + hash(ef + ef)))
  })

  it('is that of whole levels, for any number of leaves', () => {
    for (let leaves = 1; leaves <= 70; leaves++) {
      let level = Array.from({ length: leaves }, (_, leaf) => hash(String.fromCharCode(33 + leaf)))
      while (level.length > 1) {
        level = level.flatMap((left, at) => (at % 2 === 0 ? [hash(left + (level[at + 1] ?? left))] : []))
      }
      const rows = Array.from({ length: leaves }, (_, leaf) => String.fromCharCode(33 + leaf)).join('')
      expect(merkleRoot(bytes(rows), 1)).toBe(level[0])
    }
  })

  it('cuts at 64 bytes by default', () => {
    const rows = bytes('x'.repeat(65))
    expect(merkleRoot(rows)).toBe(merkleRoot(rows, 64))
    expect(merkleRoot(rows)).not.toBe(merkleRoot(rows, 65))
  })

  it.each([0, -1, 1.5, Number.NaN])('refuses chunks of %d bytes', (chunkBytes) => {
    expect(() => merkleRoot(bytes('abc'), chunkBytes)).toThrow(RangeError)
  })
})
