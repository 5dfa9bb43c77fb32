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

/** Checks every frame, CRC, digest, sequence, group and chain; `head`, 64 hex digits, is compared with the newest chain. */
export async function verifyPinned(pinned: PinnedLog, head: string | undefined): Promise<Verification> {
  const segments: SegmentReport[] = []
  const reports = verifyLog(pinned.directory, pinned.files)
  let step = await reports.next()
  while (step.done !== true) {
    segments.push(step.value)
    step = await reports.next()
  }
  const log = step.value
  return { segments, log, head: head === undefined ? undefined : await findHead(pinned, log, head) }
}

async function findHead(pinned: PinnedLog, log: LogReport, head: string): Promise<HeadFinding> {
  if (log.head.chain === head) return { kind: 'same' }
  const wanted = Buffer.from(head, 'hex')
  let sequence = 0
  await withLogView(
    pinned,
    (record) => {
      if (record.chain.equals(wanted)) sequence = record.sequence
    },
    async () => undefined,
  )
  return sequence > 0 ? { kind: 'grown', sequence } : { kind: 'missing' }
}
