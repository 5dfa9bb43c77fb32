import type { Head, SettledKind } from './records.js'

export type EntryState = 'pending' | SettledKind

/** What is kept in memory of a record in the outbox: where it stands and how far it has come, never its bytes. */
export interface OutboxEntry {
  readonly seq: number
  readonly pcsId: string
  readonly enqueuedAtMs: number
  /** Of its record in the log. */
  readonly sizeBytes: number
  readonly state: EntryState
  /** Sequence of its record in the log. */
  readonly position: number
  /** Sequence of what settled it; 0 while it is pending. */
  readonly answerPosition: number
}

export type Counts = Readonly<Record<EntryState, number>>

type Mutable<Type> = { -readonly [Key in keyof Type]: Type[Key] }

/** The index of the outbox, derived from the records of its log alone, one after the other. */
export class OutboxIndex {
  readonly #bySeq = new Map<number, Mutable<OutboxEntry>>()
  readonly #byId = new Map<string, Mutable<OutboxEntry>>()
  readonly #counts: Record<EntryState, number> = { pending: 0, acknowledged: 0, dead: 0, conflict: 0 }
  #keptBytes = 0
  #nextSeq = 1
  #contradictions = 0

  /** The lowest seq that no record of the log has had. */
  get nextSeq(): number {
    return this.#nextSeq
  }

  get counts(): Counts {
    return { ...this.#counts }
  }

  /** Entries that no compaction drops by itself: all but the acknowledged ones. */
  get keptEntries(): number {
    return this.#bySeq.size - this.#counts.acknowledged
  }

  /** What these take in the log. */
  get keptBytes(): number {
    return this.#keptBytes
  }

  /** Records that do not fit what was before them, such as a second answer; none, unless the log was damaged. */
  get contradictions(): number {
    return this.#contradictions
  }

  /** In order of their seq. */
  entries(): IterableIterator<OutboxEntry> {
    return this.#bySeq.values()
  }

  bySeq(seq: number): OutboxEntry | undefined {
    return this.#bySeq.get(seq)
  }

  /** The latest entry under that id. */
  byId(pcsId: string): OutboxEntry | undefined {
    return this.#byId.get(pcsId)
  }

  /** The one that has waited longest. */
  oldestPending(): OutboxEntry | undefined {
    if (this.#counts.pending === 0) return undefined
    for (const entry of this.#bySeq.values()) if (entry.state === 'pending') return entry
    return undefined
  }

  /** Takes up one record of the log, which stands there at `position` with `sizeBytes`. */
  apply(head: Head, position: number, sizeBytes: number): void {
    switch (head.kind) {
      case 'opening':
        this.#nextSeq = Math.max(this.#nextSeq, head.nextSeq)
        return
      case 'entry':
        this.#enter({
          seq: head.seq,
          pcsId: head.pcsId,
          enqueuedAtMs: head.atMs,
          sizeBytes,
          state: 'pending',
          position,
          answerPosition: 0,
        })
        return
      case 'revived':
        this.#turn(head.seq, ['dead', 'conflict'], 'pending', 0)
        return
      default:
        this.#turn(head.seq, ['pending'], head.kind, position)
    }
  }

  #enter(entry: Mutable<OutboxEntry>): void {
    if (this.#bySeq.has(entry.seq)) {
      this.#contradictions += 1
      return
    }
    this.#bySeq.set(entry.seq, entry)
    this.#byId.set(entry.pcsId, entry)
    this.#nextSeq = Math.max(this.#nextSeq, entry.seq + 1)
    this.#counts.pending += 1
    this.#keptBytes += entry.sizeBytes
  }

  #turn(seq: number, from: readonly EntryState[], to: EntryState, answerPosition: number): void {
    this.#nextSeq = Math.max(this.#nextSeq, seq + 1)
    const entry = this.#bySeq.get(seq)
    if (entry === undefined || !from.includes(entry.state)) {
      this.#contradictions += 1
      return
    }
    this.#counts[entry.state] -= 1
    entry.state = to
    entry.answerPosition = answerPosition
    this.#counts[to] += 1
    if (to === 'acknowledged') this.#keptBytes -= entry.sizeBytes
  }
}
