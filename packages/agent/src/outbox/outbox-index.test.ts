import { describe, expect, it } from 'vitest'
import { Books } from './outbox-index.js'
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

function booksOf(...heads: readonly Head[]): Books {
  const books = new Books()
  for (const [index, head] of heads.entries()) books.apply(head, index + 1, 100)
  return books
}

describe('Books', () => {
  it('follow each record through its states', () => {
    const books = booksOf(entry(1), entry(2), entry(3), settled('acknowledged', 2), settled('dead', 1))
    expect([...books.entries()].map(({ seq, state }) => [seq, state])).toEqual([
      [1, 'dead'],
      [2, 'acknowledged'],
      [3, 'pending'],
    ])
    expect(books.counts).toEqual({ pending: 1, acknowledged: 1, dead: 1, conflict: 0 })
    expect([books.keptEntries, books.keptBytes]).toEqual([2, 200])
    expect(books.byId('id-2')).toMatchObject({ position: 2, answerPosition: 4 })
    expect(books.oldestPending()?.seq).toBe(3)
    books.apply(revived(1), 6, 0)
    expect(books.oldestPending()).toMatchObject({ seq: 1, answerPosition: 0 })
    books.apply(settled('conflict', 1), 7, 0)
    expect(books.counts).toEqual({ pending: 1, acknowledged: 1, dead: 0, conflict: 1 })
    expect(books.contradictions).toBe(0)
  })

  it.each([
    ['a second answer', [entry(1), settled('acknowledged', 1), settled('acknowledged', 1)]],
    ['an answer after a refusal', [entry(1), settled('dead', 1), settled('acknowledged', 1)]],
    ['an answer to nothing', [settled('acknowledged', 1)]],
    ['the same number twice', [entry(1), entry(1)]],
    ['a revival of what is not dead', [entry(1), settled('conflict', 1), revived(1)]],
  ])('take note of %s, and stay as they were', (_, heads) => {
    const books = booksOf(...heads)
    expect(books.contradictions).toBe(1)
    const { contradictions, ...before } = { ...booksOf(...heads.slice(0, -1)).counts, contradictions: 0 }
    expect(contradictions).toBe(0)
    expect(books.counts).toEqual(before)
  })

  it('give a number that no record has had', () => {
    expect(new Books().nextSeq).toBe(1)
    expect(booksOf(entry(1), entry(2)).nextSeq).toBe(3)
    expect(booksOf({ kind: 'opening', nextSeq: 9, atMs: 0 }, entry(4)).nextSeq).toBe(9)
    // its entry was lost, but there it was
    expect(booksOf(entry(1), settled('dead', 5)).nextSeq).toBe(6)
  })
})
