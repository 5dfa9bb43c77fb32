import { describe, expect, it } from 'vitest'
import type { IndexEntry, StoredVerdict } from '../store.js'
import { verdictOf } from '../testing/verdicts.js'
import { markTimeMs, settleMark } from './mark-rule.js'

const TTL_MS = 1_000_000
const NOW_MS = 10_000_000

const judged = (content: string, sequence: number, agoMs: number): StoredVerdict =>
  verdictOf('a', { content, sequence, judgedAtMs: NOW_MS - agoMs })
const marked = (verdict: StoredVerdict, flushedAgoMs: number) => ({
  verdict,
  expiresAtMs: NOW_MS - flushedAgoMs + TTL_MS,
})
const settle = (standing: IndexEntry | undefined, mark: ReturnType<typeof marked>, isOver = false) =>
  settleMark(standing, mark, NOW_MS, TTL_MS, () => isOver)

describe('the time of a mark', () => {
  it.each([
    ['its stamp', 900, 800, 900],
    ['that of the judgement, where the stamp is older', 100, 800, 800],
    ['now, where the judgement lies ahead', 100, 5_000, 1_000],
    ['its stamp, where both lie ahead', 4_000, 5_000, 4_000],
  ])('is %s', (_, flushedAtMs, judgedAtMs, timeMs) => {
    expect(markTimeMs(flushedAtMs, judgedAtMs, 1_000)).toBe(timeMs)
  })
})

describe('what a mark means for the store', () => {
  const first = judged('x', 1, 500)

  it('is taken where nothing stands, with the time of its flush', () => {
    expect(settle(undefined, marked(first, 400))).toEqual({
      write: { verdict: first, expiresAtMs: NOW_MS - 400 + TTL_MS, marked: true },
      finding: 'added',
    })
  })

  it('is nothing once it is older than the TTL, to the millisecond', () => {
    const old = judged('x', 1, TTL_MS + 10)
    expect(settle(undefined, marked(old, TTL_MS))).toEqual({ write: undefined, finding: 'expired' })
    expect(settle(undefined, marked(old, TTL_MS - 1)).finding).toBe('added')
  })

  it('makes the expiry of its own verdict count from the first mark', () => {
    const put: IndexEntry = { verdict: first, expiresAtMs: NOW_MS + TTL_MS, marked: false }
    const { write, finding } = settle(put, marked(first, 400))
    expect(finding).toBe('agrees')
    expect(write).toEqual({ verdict: first, expiresAtMs: NOW_MS - 400 + TTL_MS, marked: true })

    const [later, earlier] = [settle(write, marked(first, 100)), settle(write, marked(first, 450))]
    expect(later).toEqual({ write: undefined, finding: 'agrees' })
    expect(earlier.write?.expiresAtMs).toBe(NOW_MS - 450 + TTL_MS)
  })

  it('ends its own verdict when it turns out to be older than the TTL', () => {
    const late: IndexEntry = { verdict: first, expiresAtMs: NOW_MS + 5, marked: true }
    expect(settle(late, marked(first, TTL_MS)).write?.expiresAtMs).toBe(NOW_MS)
  })

  it('wins over what has no mark, and over a store that tells its verdict otherwise', () => {
    const put: IndexEntry = { verdict: judged('y', 2, 600), expiresAtMs: NOW_MS + TTL_MS, marked: false }
    expect(settle(put, marked(first, 400))).toEqual({
      write: { verdict: first, expiresAtMs: NOW_MS - 400 + TTL_MS, marked: true },
      finding: 'corrected',
    })
    const altered = { ...first, outcome: { ...first.outcome, accepted: false } }
    const standing: IndexEntry = { verdict: altered, expiresAtMs: NOW_MS + 7, marked: true }
    expect(settle(standing, marked(first, 400))).toEqual({
      write: { verdict: first, expiresAtMs: NOW_MS + 7, marked: true },
      finding: 'corrected',
    })
  })

  it('contradicting another mark is a conflict; what was judged first stays, in any order of reading', () => {
    const second = judged('y', 2, 300)
    const [one, two] = [marked(first, 400), marked(second, 200)]
    const afterOne = settle(undefined, one).write
    expect(settle(afterOne, two)).toEqual({ write: undefined, finding: 'conflict' })
    const afterTwo = settle(undefined, two).write
    expect(settle(afterTwo, one)).toEqual({ write: afterOne, finding: 'conflict' })
  })

  it('of the same content judged twice is no conflict; what was judged first stays', () => {
    const twice = judged('x', 2, 300)
    const afterOne = settle(undefined, marked(first, 400)).write
    expect(settle(afterOne, marked(twice, 200))).toEqual({ write: undefined, finding: 'agrees' })
  })

  it('of a later life of an id counts, in any order of reading', () => {
    // Judged a TTL ago, but marked late, so that both marks are young.
    const [old, young] = [judged('x', 1, TTL_MS + 300), judged('y', 2, 100)]
    const [one, two] = [marked(old, 500), marked(young, 50)]
    const afterOne = settle(undefined, one).write
    const afterTwo = settle(undefined, two).write
    expect(settle(afterOne, two)).toEqual({ write: afterTwo, finding: 'added' })
    expect(settle(afterTwo, one)).toEqual({ write: undefined, finding: 'expired' })
  })

  it('of a late duplicate does not bring back a life that is over', () => {
    const old = judged('x', 1, TTL_MS + 300)
    expect(settle(undefined, marked(old, 100), true)).toEqual({ write: undefined, finding: 'expired' })
    expect(settle(undefined, marked(old, 100), false).finding).toBe('added')
    // What was judged less than a TTL ago cannot be over.
    expect(settle(undefined, marked(first, 100), true).finding).toBe('added')
  })
})
