import { describe, expect, it } from 'vitest'
import { OpenEntries } from './open-submissions.js'

const FAR_APART = [1, 2, 1_023, 1_024, 5_000]

function filled(): OpenEntries {
  const entries = new OpenEntries()
  for (const sequence of FAR_APART) entries.add(sequence, { appendedAtMs: sequence, bodyBytes: 10 }, 100)
  return entries
}

describe('open entries', () => {
  it('come in the order of the log, across its blocks', () => {
    const entries = filled()
    expect([...entries.sequences()]).toEqual(FAR_APART)
    expect(entries.count).toBe(5)
    expect(entries.oldestAppendedAtMs).toBe(1)
  })

  it('are counted once, also when they are added again', () => {
    const entries = filled()
    entries.countFailure(2)
    entries.add(2, { appendedAtMs: 2, bodyBytes: 10 }, 0)
    expect(entries.count).toBe(5)
    expect(entries.countFailure(2)).toBe(1)
  })

  it('leave when they are closed, and only once', () => {
    const entries = filled()
    expect(entries.close(1_023)).toMatchObject({ appendedAtMs: 1_023, bodyBytes: 10 })
    expect(entries.close(1_023)).toBeUndefined()
    expect(entries.close(3)).toBeUndefined()
    for (const sequence of [1, 2]) entries.close(sequence)
    expect([...entries.sequences()]).toEqual([1_024, 5_000])
    expect(entries.count).toBe(2)
    expect(entries.oldestAppendedAtMs).toBe(1_024)
    for (const sequence of [1_024, 5_000]) entries.close(sequence)
    expect([entries.count, entries.oldestAppendedAtMs, entries.has(5_000)]).toEqual([0, undefined, false])
  })

  it('are leased oldest first, when nobody holds them, and to one at a time', () => {
    const entries = filled()
    expect(entries.lease(10, 99, 200)).toEqual([])
    expect(entries.lease(2, 100, 200)).toEqual([1, 2])
    expect(entries.lease(10, 100, 200)).toEqual([1_023, 1_024, 5_000])
    expect(entries.lease(10, 199, 300)).toEqual([])
    expect(entries.lease(1, 200, 300)).toEqual([1])
  })
})
