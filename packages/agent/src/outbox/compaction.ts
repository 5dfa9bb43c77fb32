import { OutboxError } from './errors.js'
import type { OutboxEntry } from './outbox-index.js'
import type { NewOutboxRecord, OutboxLog } from './outbox-log.js'

/** What a record takes beyond its content, at most: frame and head. */
const OVERHEAD_BYTES_MAX = 512

/** Which settled entries a compaction drops; pending ones always stay. */
export interface CompactionChoice {
  /** How many of the acknowledged ones stay, the newest. 0 by default. */
  readonly acknowledgedKept?: number
  readonly dropDead?: boolean
  readonly dropConflicts?: boolean
}

export interface CompactionReport {
  readonly entriesBefore: number
  readonly entriesAfter: number
}

/** The entries that stay, in order of their seq. */
export function chooseKept(
  entries: readonly OutboxEntry[],
  { acknowledgedKept = 0, dropDead = false, dropConflicts = false }: CompactionChoice,
): OutboxEntry[] {
  let acknowledgedLeft = entries.filter(({ state }) => state === 'acknowledged').length
  return entries.filter(({ state }) => {
    if (state === 'dead') return !dropDead
    if (state === 'conflict') return !dropConflicts
    if (state === 'pending') return true
    acknowledgedLeft -= 1
    return acknowledgedLeft < acknowledgedKept
  })
}

/**
 * Copies what stays into an empty log, everything flushed when this resolves. The order of the records stays.
 *
 * @param batchBytesMax of one append; one batch is all that is in memory
 * @throws OutboxError `damaged` when a record that must stay cannot be read: the old log is to be kept then
 */
export async function copyKept(
  from: OutboxLog,
  to: OutboxLog,
  kept: readonly OutboxEntry[],
  batchBytesMax: number,
): Promise<void> {
  const wanted = new Set(kept.flatMap(({ position, answerPosition }) => [position, answerPosition]))
  let batch: NewOutboxRecord[] = [
    { head: { kind: 'opening', nextSeq: from.index.nextSeq, atMs: Date.now() } },
  ]
  let batchBytes = OVERHEAD_BYTES_MAX
  for await (const { head, content, position } of from.read()) {
    if (!wanted.has(position)) continue
    const sizeBytes = content.length + OVERHEAD_BYTES_MAX
    if (batchBytes + sizeBytes > batchBytesMax) {
      await to.write(batch)
      batch = []
      batchBytes = 0
    }
    batch.push({ head, content })
    batchBytes += sizeBytes
  }
  await to.write(batch)
  const lost = kept.find(({ seq, state }) => to.index.bySeq(seq)?.state !== state)
  if (lost) {
    throw new OutboxError(
      'damaged',
      `the record with outbox_seq ${lost.seq} cannot be read, so the log is kept as it is: look at its quarantined segments`,
    )
  }
}
