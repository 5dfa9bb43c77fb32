import { describe, expect, it } from 'vitest'
import { OutboxIndex } from './outbox-index.js'
import type { Head, SettledKind } from './records.js'

const entry = (seq: number): Head => ({ kind: 'entry', seq, pcsId: `id-${seq}`, fingerprint: '', atMs: seq })
const settled = (kind: SettledKind, seq: number): Head => ({
  kind,
  seq,
  status: 0,
  replayed: false,
  attempts: 1,
  atMs: 0,
})
const revived = (seq: number): Head => ({ kind: 'revived', seq, atMs: 0 })

function indexOf(...heads: readonly Head[]): OutboxIndex {
  const index = new OutboxIndex()
  for (const [at, head] of heads.entries()) index.apply(head, at + 1, 100)
  return index
}

describe('OutboxIndex', () => {
  it('follow each record through its states', () => {
    const index = indexOf(entry(1), entry(2), entry(3), settled('acknowledged', 2), settled('dead', 1))
    expect([...index.entries()].map(({ seq, state }) => [seq, state])).toEqual([
      [1, 'dead'],
      [2, 'acknowledged'],
      [3, 'pending'],
    ])
    expect(index.counts).toEqual({ pending: 1, acknowledged: 1, dead: 1, conflict: 0 })
    expect([index.keptEntries, index.keptBytes]).toEqual([2, 200])
    expect(index.byId('id-2')).toMatchObject({ position: 2, answerPosition: 4 })
    expect(index.oldestPending()?.seq).toBe(3)
    index.apply(revived(1), 6, 0)
    expect(index.oldestPending()).toMatchObject({ seq: 1, answerPosition: 0 })
    index.apply(settled('conflict', 1), 7, 0)
    expect(index.counts).toEqual({ pending: 1, acknowledged: 1, dead: 0, conflict: 1 })
    index.apply(revived(1), 8, 0)
    expect(index.counts).toEqual({ pending: 2, acknowledged: 1, dead: 0, conflict: 0 })
    expect(index.contradictions).toBe(0)
  })

  it.each([
    ['a second answer', [entry(1), settled('acknowledged', 1), settled('acknowledged', 1)]],
    ['an answer after a refusal', [entry(1), settled('dead', 1), settled('acknowledged', 1)]],
    ['an answer to nothing', [settled('acknowledged', 1)]],
    ['the same number twice', [entry(1), entry(1)]],
    ['a revival of what is acknowledged', [entry(1), settled('acknowledged', 1), revived(1)]],
  ])('take note of %s, and stay as they were', (_, heads) => {
    const index = indexOf(...heads)
    expect(index.contradictions).toBe(1)
    const { contradictions, ...before } = { ...indexOf(...heads.slice(0, -1)).counts, contradictions: 0 }
    expect(contradictions).toBe(0)
    expect(index.counts).toEqual(before)
  })

  it('give a number that no record has had', () => {
    expect(new OutboxIndex().nextSeq).toBe(1)
    expect(indexOf(entry(1), entry(2)).nextSeq).toBe(3)
    expect(indexOf({ kind: 'opening', nextSeq: 9, atMs: 0 }, entry(4)).nextSeq).toBe(9)
    // its entry was lost, but there it was
    expect(indexOf(entry(1), settled('dead', 5)).nextSeq).toBe(6)
  })
})
