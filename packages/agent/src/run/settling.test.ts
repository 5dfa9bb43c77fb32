import { describe, expect, it } from 'vitest'
import { type FileState, Settling } from './settling.js'

const wall = 1_800_000_000_000
const state = (change: Partial<FileState> = {}): FileState => ({
  inode: 1,
  sizeBytes: 100,
  modifiedMs: wall,
  ...change,
})

describe('Settling', () => {
  it('waits until a file has not changed for the settle time', () => {
    const settling = new Settling(2_000)
    expect(settling.isComplete('a', state(), 0, wall)).toBe(false)
    expect(settling.isComplete('a', state(), 1_999, wall)).toBe(false)
    expect(settling.isComplete('a', state(), 2_000, wall)).toBe(true)
  })

  it.each([
    ['grows', { sizeBytes: 101 }],
    ['is written to', { modifiedMs: wall + 1 }],
    ['is replaced', { inode: 2 }],
  ])('begins anew when it %s', (_, change) => {
    const settling = new Settling(2_000)
    settling.isComplete('a', state(), 0, wall)
    // as if dated now, so that only this process's own watch counts
    expect(settling.isComplete('a', state(change), 1_500, wall)).toBe(false)
    expect(settling.isComplete('a', state(change), 3_499, wall)).toBe(false)
    expect(settling.isComplete('a', state(change), 3_500, wall)).toBe(true)
  })

  it('takes at once what was finished before it appeared', () => {
    const settling = new Settling(2_000)
    expect(settling.isComplete('a', state(), 0, wall + 2_000)).toBe(true)
    expect(settling.isComplete('b', state(), 0, wall + 1_000)).toBe(false)
    expect(settling.isComplete('b', state(), 1_000, wall + 1_000)).toBe(true)
  })

  it('waits by its own clock when the file has a date of the future', () => {
    const settling = new Settling(2_000)
    expect(settling.isComplete('a', state({ modifiedMs: wall + 1e9 }), 0, wall)).toBe(false)
    expect(settling.isComplete('a', state({ modifiedMs: wall + 1e9 }), 2_000, wall)).toBe(true)
  })

  it('forgets what is gone', () => {
    const settling = new Settling(2_000)
    settling.isComplete('a', state(), 0, wall)
    settling.keepOnly(new Set(['b']))
    expect(settling.isComplete('a', state(), 2_000, wall)).toBe(false)
  })
})
