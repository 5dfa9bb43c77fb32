import { verdictFromBytes, type wal } from '@fractal-lba/proto'
import type { Clock } from '@fractal-lba/runtime'
import type { Entry, Store } from '../store.js'
import { isComplete } from '../verdict.js'
import { settleMark, type VerdictMark } from './mark-rule.js'
import type { SeenIds } from './seen-ids.js'

/** What a batch of marks came to. */
export interface MarkTally {
  read: number
  corrected: number
  /** The ids of which two marks contradict each other. */
  readonly conflicts: string[]
  /** Positions of marks that claim to be indexed, but hold no verdict that could be. */
  readonly unreadable: number[]
}

export interface ReadMark extends VerdictMark {
  readonly marked: true
  readonly generation: string
}

/** Brings the store to what a batch of marks says; in the order of the log, and one batch at a time. */
export async function applyMarks(
  store: Store,
  marks: readonly wal.StoredMark[],
  options: {
    readonly ttlMs: number
    readonly now: Clock
    readonly lifeIsOver: (mark: ReadMark) => boolean
    /** Told of each mark that is older than the TTL. */
    readonly onExpired: (mark: ReadMark) => void
    /**
     * Where everything is read again: the ids of the marks that were read. What stands under another id says
     * nothing against a mark, whatever it says of itself.
     */
    readonly vouched?: SeenIds | undefined
  },
): Promise<MarkTally> {
  const tally: MarkTally = { read: marks.length, corrected: 0, conflicts: [], unreadable: [] }
  const nowMs = options.now()
  const indexed = indexedMarks(marks, options.ttlMs, tally)
  for (const mark of indexed) if (mark.expiresAtMs <= nowMs) options.onExpired(mark)
  // Nearly all of them, when the store had the verdict first.
  const confirmed = await store.confirmMany(indexed)
  const { vouched } = options
  if (vouched)
    for (const { verdict } of indexed.filter((_, index) => confirmed[index]))
      vouched.add(verdict.outcome.pcsId)
  const others = indexed.filter((_, index) => !confirmed[index])
  const standing = await standingEntries(store, others)
  if (vouched) {
    for (const [pcsId, entry] of standing) {
      if (!vouched.has(pcsId)) standing.set(pcsId, { ...entry, marked: false })
    }
  }
  const changed = new Map<string, Entry>()
  for (const mark of others) {
    const { pcsId } = mark.verdict.outcome
    const { write, finding } = settleMark(standing.get(pcsId), mark, nowMs, options.ttlMs, () =>
      options.lifeIsOver(mark),
    )
    if (finding === 'corrected') tally.corrected += 1
    if (finding === 'conflict') tally.conflicts.push(pcsId)
    if (!write) continue
    changed.set(pcsId, write)
    if (write.expiresAtMs > nowMs) standing.set(pcsId, write)
    else standing.delete(pcsId)
  }
  if (changed.size > 0) await store.overwriteMany([...changed.values()])
  if (vouched) for (const pcsId of changed.keys()) vouched.add(pcsId)
  return tally
}

function indexedMarks(marks: readonly wal.StoredMark[], ttlMs: number, tally: MarkTally): ReadMark[] {
  const indexed: ReadMark[] = []
  for (const { sequence, flushedAtMs, mark } of marks) {
    if (!mark?.indexed) continue
    const { generation } = mark
    const verdict = verdictFromBytes(mark.verdict)
    if (isComplete(verdict)) {
      indexed.push({ verdict, expiresAtMs: flushedAtMs + ttlMs, marked: true, generation })
    } else tally.unreadable.push(sequence)
  }
  return indexed
}

async function standingEntries(store: Store, marks: readonly ReadMark[]): Promise<Map<string, Entry>> {
  const pcsIds = [...new Set(marks.map(({ verdict }) => verdict.outcome.pcsId))]
  const entries = await store.getMany(pcsIds)
  const standing = new Map<string, Entry>()
  for (const [index, pcsId] of pcsIds.entries()) {
    const entry = entries[index]
    if (entry) standing.set(pcsId, entry)
  }
  return standing
}
