import { verdictFromBytes, type wal } from '@fractal-lba/proto'
import type { ExpiryClock } from '@fractal-lba/runtime'
import type { IndexEntry, Store } from '../store.js'
import { isComplete } from '../verdict.js'
import type { SeenIds } from './fill-memory.js'
import { markTimeMs, settleMark, type VerdictMark } from './mark-rule.js'

/** Counts of what was found while a batch of marks was applied. */
export interface MarkTally {
  read: number
  corrected: number
  /** The ids of which two marks contradict each other. */
  readonly conflicts: string[]
  /** Positions of marks that are flagged as indexed, but have no complete verdict. */
  readonly unreadable: number[]
}

/** A mark of a record that is in the index, with its verdict. */
export interface IndexedMark extends VerdictMark {
  readonly marked: true
  readonly generation: string
}

/** Makes the store agree with a batch of marks. Batches come in the order of the log, one at a time. */
export async function applyMarks(
  store: Store,
  marks: readonly wal.StoredMark[],
  options: {
    readonly ttlMs: number
    readonly clock: ExpiryClock
    readonly hasExpired: (mark: IndexedMark) => boolean
    /** Called for each mark that is older than the TTL. */
    readonly onExpired: (mark: IndexedMark) => void
    /**
     * In a rebuild: the ids of all marks that have been read in it. An entry under another id counts as unmarked,
     * even if it is flagged as marked: no mark that was read confirms it.
     */
    readonly seenIds?: SeenIds | undefined
  },
): Promise<MarkTally> {
  const tally: MarkTally = { read: marks.length, corrected: 0, conflicts: [], unreadable: [] }
  const { clock, ttlMs } = options
  const nowMs = clock.expiredMs()
  const indexed = indexedMarks(marks, { ttlMs, latestMs: clock.latestMs() }, tally)
  for (const mark of indexed) if (mark.expiresAtMs <= nowMs) options.onExpired(mark)
  // Usually the store has every verdict already, and its mark only confirms it.
  const confirmed = await store.confirmMany(indexed)
  const { seenIds } = options
  if (seenIds)
    for (const { verdict } of indexed.filter((_, index) => confirmed[index]))
      seenIds.add(verdict.outcome.pcsId)
  const others = indexed.filter((_, index) => !confirmed[index])
  const standing = await standingEntries(store, others)
  if (seenIds) {
    for (const [pcsId, entry] of standing) {
      if (!seenIds.has(pcsId)) standing.set(pcsId, { ...entry, marked: false })
    }
  }
  const changed = new Map<string, IndexEntry>()
  for (const mark of others) {
    const { pcsId } = mark.verdict.outcome
    const { write, finding } = settleMark(standing.get(pcsId), mark, nowMs, ttlMs, () =>
      options.hasExpired(mark),
    )
    if (finding === 'corrected') tally.corrected += 1
    if (finding === 'conflict') tally.conflicts.push(pcsId)
    if (!write) continue
    changed.set(pcsId, write)
    if (write.expiresAtMs > nowMs) standing.set(pcsId, write)
    else standing.delete(pcsId)
  }
  if (changed.size > 0) await store.overwriteMany([...changed.values()])
  if (seenIds) for (const pcsId of changed.keys()) seenIds.add(pcsId)
  return tally
}

function indexedMarks(
  marks: readonly wal.StoredMark[],
  { ttlMs, latestMs }: { readonly ttlMs: number; readonly latestMs: number },
  tally: MarkTally,
): IndexedMark[] {
  const indexed: IndexedMark[] = []
  for (const { sequence, flushedAtMs, mark } of marks) {
    if (!mark?.indexed) continue
    const { generation } = mark
    const verdict = verdictFromBytes(mark.verdict)
    if (isComplete(verdict)) {
      const expiresAtMs = markTimeMs(flushedAtMs, verdict.judgedAtMs, latestMs) + ttlMs
      indexed.push({ verdict, expiresAtMs, marked: true, generation })
    } else tally.unreadable.push(sequence)
  }
  return indexed
}

async function standingEntries(
  store: Store,
  marks: readonly IndexedMark[],
): Promise<Map<string, IndexEntry>> {
  const pcsIds = [...new Set(marks.map(({ verdict }) => verdict.outcome.pcsId))]
  const entries = await store.getMany(pcsIds)
  const standing = new Map<string, IndexEntry>()
  for (const [index, pcsId] of pcsIds.entries()) {
    const entry = entries[index]
    if (entry) standing.set(pcsId, entry)
  }
  return standing
}
