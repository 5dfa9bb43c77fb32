import { describe, expect, it } from 'vitest'
import { type FileState, Settling } from './settling.js'

const state = (change: Partial<FileState> = {}): FileState => ({
  inode: 1,
  sizeBytes: 100,
  modifiedMs: 1_800_000_000_000,
  ...change,
})

describe('Settling', () => {
  it('tells how long a file has looked the same, by two sightings at least', () => {
    const settling = new Settling()
    expect(settling.quietMs('a', state(), 1_000)).toBeUndefined()
    expect(settling.quietMs('a', state(), 1_000)).toBe(0)
    expect(settling.quietMs('a', state(), 2_999)).toBe(1_999)
  })

  it.each([
    ['grows', { sizeBytes: 101 }],
    ['is written to', { modifiedMs: 1_800_000_000_001 }],
    ['is replaced', { inode: 2 }],
  ])('begins anew when it %s', (_, change) => {
    const settling = new Settling()
    settling.quietMs('a', state(), 0)
    expect(settling.quietMs('a', state(change), 1_500)).toBeUndefined()
    expect(settling.quietMs('a', state(change), 3_500)).toBe(2_000)
  })

  it.each([0, 4_000_000_000_000])('does not look at what the time stamp says (%i)', (modifiedMs) => {
    const settling = new Settling()
    expect(settling.quietMs('a', state({ modifiedMs }), 0)).toBeUndefined()
    expect(settling.quietMs('a', state({ modifiedMs }), 2_000)).toBe(2_000)
  })

  it('forgets what is gone', () => {
    const settling = new Settling()
    settling.quietMs('a', state(), 0)
    settling.keepOnly(new Set(['b']))
    expect(settling.quietMs('a', state(), 2_000)).toBeUndefined()
  })
})
