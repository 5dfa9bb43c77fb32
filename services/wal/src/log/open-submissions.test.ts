import { describe, expect, it } from 'vitest'
import { OpenSubmissions } from './open-submissions.js'

const FAR_APART = [1, 2, 1_023, 1_024, 5_000]

const limits = (countMax: number, bytesMax = 1_000) => ({ countMax, bytesMax })

function filled(): OpenSubmissions {
  const open = new OpenSubmissions()
  for (const sequence of FAR_APART) open.add(sequence, { appendedAtMs: sequence, bodyBytes: 10 }, 100)
  return open
}

describe('open submissions', () => {
  it('come in the order of the log, across its blocks', () => {
    const open = filled()
    expect([...open.sequences()]).toEqual(FAR_APART)
    expect(open.count).toBe(5)
    expect(open.oldestAppendedAtMs).toBe(1)
  })

  it('are counted once, also when they are added again', () => {
    const open = filled()
    open.countFailure(2)
    open.add(2, { appendedAtMs: 2, bodyBytes: 10 }, 0)
    expect(open.count).toBe(5)
    expect(open.countFailure(2)).toBe(1)
  })

  it('leave when they are closed, and only once', () => {
    const open = filled()
    expect(open.close(1_023)).toMatchObject({ appendedAtMs: 1_023, bodyBytes: 10 })
    expect(open.close(1_023)).toBeUndefined()
    expect(open.close(3)).toBeUndefined()
    for (const sequence of [1, 2]) open.close(sequence)
    expect([...open.sequences()]).toEqual([1_024, 5_000])
    expect(open.count).toBe(2)
    expect(open.oldestAppendedAtMs).toBe(1_024)
    for (const sequence of [1_024, 5_000]) open.close(sequence)
    expect([open.count, open.oldestAppendedAtMs, open.has(5_000)]).toEqual([0, undefined, false])
  })

  it('are leased oldest first, when they are free, and to one at a time', () => {
    const open = filled()
    expect(open.lease(limits(10), 99, 200)).toEqual([])
    expect(open.lease(limits(2), 100, 200)).toEqual([1, 2])
    expect(open.lease(limits(10), 100, 200)).toEqual([1_023, 1_024, 5_000])
    expect(open.lease(limits(10), 199, 300)).toEqual([])
    expect(open.lease(limits(1), 200, 300)).toEqual([1])
  })

  it('are leased by their bytes too, at least one', () => {
    const open = filled()
    expect(open.lease(limits(10, 29), 100, 200)).toEqual([1, 2])
    expect(open.lease(limits(10, 9), 100, 200)).toEqual([1_023])
    expect(open.lease(limits(10, 20), 100, 200)).toEqual([1_024, 5_000])
  })
})
