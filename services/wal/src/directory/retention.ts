/*
 * What may be dropped from the log (the contract, sections 4 and 7). Never: what is not done or set aside, and an
 * outcome younger than the dedup TTL. A submission whose body was dropped counts as done.
 */

export interface RetentionLimits {
  /** How long the bodies of judged records are kept, unless the byte limit presses. */
  readonly retentionMs: number
  /** How long an outcome is remembered. */
  readonly dedupTtlMs: number
  /** Length that the log should not exceed; 0: none. */
  readonly bytesMax: number
}

/** Records flushed before these moments are past keeping. */
export interface Cutoffs {
  readonly bodiesMs: number
  readonly marksMs: number
}

/**
 * Marks are kept for twice the TTL: a duplicate may come until the end of it, and its mark counts as young as long
 * again. Whoever fills an index must meet the first mark until then, or the duplicate's would bring an outcome
 * back whose time is over.
 */
export function cutoffsAt(nowMs: number, { retentionMs, dedupTtlMs }: RetentionLimits): Cutoffs {
  return { bodiesMs: nowMs - retentionMs, marksMs: nowMs - 2 * dedupTtlMs }
}

export interface SubmissionFacts {
  /** Has a final mark, so is neither open nor a dead letter. */
  readonly done: boolean
  /** Its mark is a 400 or 401: there is no outcome. */
  readonly refused: boolean
  readonly timeMs: number
}

/** @param pressing the log is longer than it may be: forensics come second. */
export function mayDropSubmission(facts: SubmissionFacts, cutoffs: Cutoffs, pressing: boolean): boolean {
  return facts.done && (facts.refused || pressing || facts.timeMs < cutoffs.bodiesMs)
}

export interface MarkFacts {
  readonly timeMs: number
  /** The body of its submission was dropped, or its segment removed: without the mark it would look open. */
  readonly submissionGone: boolean
}

export function mayDropMark({ timeMs, submissionGone }: MarkFacts, { marksMs }: Cutoffs): boolean {
  return submissionGone && timeMs < marksMs
}

export interface SegmentFacts {
  /** Not the one that is appended to. */
  readonly sealed: boolean
  /** Nobody can say what stood in the damaged places: only a person removes such a segment. */
  readonly quarantined: boolean
  readonly holdsUnfinished: boolean
  /** Of its newest record; undefined: not known. */
  readonly newestMs: number | undefined
}

/** Only for the oldest segment: then all that its marks speak of is in it or gone. */
export function mayRemoveSegment(facts: SegmentFacts, { bodiesMs, marksMs }: Cutoffs): boolean {
  const { sealed, quarantined, holdsUnfinished, newestMs } = facts
  if (!sealed || quarantined || holdsUnfinished || newestMs === undefined) return false
  return newestMs < Math.min(bodiesMs, marksMs)
}
