import { describe, expect, it } from 'vitest'
import { RecordTimes } from './record-times.js'
import { cutoffsAt, mayDropMark, mayDropSubmission, mayRemoveSegment } from './retention.js'
import { SequenceSet } from './sequence-set.js'

const cutoffs = cutoffsAt(10_000, { retentionMs: 1_000, dedupTtlMs: 1_500, bytesMax: 0 })

describe('retention', () => {
  it('keeps outcomes for twice the TTL', () => {
    expect(cutoffs).toEqual({ bodiesMs: 9_000, marksMs: 7_000 })
  })

  it.each([
    [{ done: false, refused: false, timeMs: 0 }, true, false],
    [{ done: false, refused: true, timeMs: 0 }, true, false],
    [{ done: true, refused: true, timeMs: 10_000 }, false, true],
    [{ done: true, refused: false, timeMs: 9_000 }, false, false],
    [{ done: true, refused: false, timeMs: 9_000 }, true, true],
    [{ done: true, refused: false, timeMs: 8_999 }, false, true],
  ])('submission %j, pressing %s: %s', (facts, pressing, drops) => {
    expect(mayDropSubmission(facts, cutoffs, pressing)).toBe(drops)
  })

  it.each([
    [{ timeMs: 6_999, submissionGone: true }, true],
    [{ timeMs: 7_000, submissionGone: true }, false],
    [{ timeMs: 0, submissionGone: false }, false],
  ])('mark %j: %s', (facts, drops) => {
    expect(mayDropMark(facts, cutoffs)).toBe(drops)
  })

  const old = { sealed: true, quarantined: false, holdsUnfinished: false, newestMs: 6_999 }
  it.each([
    [old, true],
    [{ ...old, newestMs: 7_000 }, false],
    [{ ...old, newestMs: undefined }, false],
    [{ ...old, sealed: false }, false],
    [{ ...old, quarantined: true }, false],
    [{ ...old, holdsUnfinished: true }, false],
  ])('segment %j: %s', (facts, removes) => {
    expect(mayRemoveSegment(facts, cutoffs)).toBe(removes)
  })
})

describe('RecordTimes', () => {
  it('makes no record older than one before it, and follows no stamp from the far future', () => {
    const times = new RecordTimes(() => 1_000, 500)
    const farMs = 1_000 + 86_400_001
    expect([400, 600, 100, farMs, 700].map((stampMs) => times.next(stampMs))).toEqual([
      500,
      600,
      600,
      farMs,
      700,
    ])
  })
})

describe('SequenceSet', () => {
  it('holds positions far apart, joins others, and forgets whole chunks only', () => {
    const set = new SequenceSet()
    const other = new SequenceSet()
    for (const sequence of [1, 32_767, 32_768]) set.add(sequence)
    for (const sequence of [2, 10_000_000_000]) other.add(sequence)
    set.addAll(other)
    expect([1, 2, 3, 32_767, 32_768, 32_769, 10_000_000_000].filter((one) => set.has(one))).toEqual([
      1, 2, 32_767, 32_768, 10_000_000_000,
    ])
    set.forgetBefore(32_769)
    expect([1, 2, 32_767, 32_768].filter((one) => set.has(one))).toEqual([32_768])
  })
})
