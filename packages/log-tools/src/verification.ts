import { type LogReport, type SegmentReport, verifyLog } from '@fractal-lba/wal'
import { withLogView } from './log-view.js'
import type { PinnedLog } from './pinned-log.js'

/** What is known of a head that somebody kept: of a metric, of an earlier verification. */
export type HeadFinding =
  /** It is the newest. */
  | { readonly kind: 'same' }
  /** That record is in the log, and others came after it. */
  | { readonly kind: 'grown'; readonly sequence: number }
  /** No record has it: the tail was cut, or the log is another. */
  | { readonly kind: 'missing' }

export interface Verification {
  readonly segments: readonly SegmentReport[]
  readonly log: LogReport
  /** `undefined` when no head was given to compare with */
  readonly head: HeadFinding | undefined
}

/**
 * Checks every frame, CRC, digest, sequence, group and chain.
 * @param head the first 12 to 64 hex digits, an even number, of a chain that is looked for: the newest, or an older one
 * @param again called before a second reading, which looks for an older head
 */
export async function verifyPinned(
  pinned: PinnedLog,
  head: string | undefined,
  again: () => void,
): Promise<Verification> {
  const segments: SegmentReport[] = []
  const reports = verifyLog(pinned.directory, pinned.files)
  let step = await reports.next()
  while (step.done !== true) {
    segments.push(step.value)
    step = await reports.next()
  }
  const log = step.value
  if (head === undefined) return { segments, log, head }
  if (log.head.chain.startsWith(head)) return { segments, log, head: { kind: 'same' } }
  again()
  return { segments, log, head: await findOlderHead(pinned, head) }
}

async function findOlderHead(pinned: PinnedLog, head: string): Promise<HeadFinding> {
  const wanted = Buffer.from(head, 'hex')
  let sequence = 0
  await withLogView(
    pinned,
    (record) => {
      if (record.chain.subarray(0, wanted.length).equals(wanted)) sequence = record.sequence
    },
    async () => undefined,
  )
  return sequence > 0 ? { kind: 'grown', sequence } : { kind: 'missing' }
}
