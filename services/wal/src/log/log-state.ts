import type { wal } from '@fractal-lba/proto'
import { StartError } from '@fractal-lba/runtime'
import type { SegmentInfo, VisitedRecord } from '@fractal-lba/wal'
import { RecordTimes } from '../directory/record-times.js'
import { SegmentTallies } from '../directory/segment-tallies.js'
import { SequenceSet } from '../directory/sequence-set.js'
import { DeadLetters } from './dead-letters.js'
import type { MarkBrief } from './mark-brief.js'
import { OpenSubmissions, type Unfinished } from './open-submissions.js'
import { decodeDeadLetter, decodeFence, decodeMarkBrief, decodeRedrive, RECORD_TYPE } from './records.js'

/** The type of a submission without an envelope, before 0.1: overlooking one would lose it. */
const BARE_SUBMISSION = 1

/** Where and when a record was written, and the length of its body. */
export interface Written {
  readonly sequence: number
  readonly timeMs: number
  readonly bodyBytes: number
}

/**
 * What the records say, taken together: what is open, set aside, refused and dropped, and the current generation.
 * Derived from the records alone, in the same way while they are read back and while they are written.
 */
export class LogState {
  readonly open = new OpenSubmissions()
  readonly dead = new DeadLetters()
  /** Submissions that ended with 400 or 401. */
  readonly refused = new SequenceSet()
  /** Submissions whose bodies are dropped. */
  readonly dropped = new SequenceSet()
  readonly tallies = new SegmentTallies()
  readonly #times: RecordTimes
  /** What marks must carry that come from the index; empty before the first fence. */
  generation = ''
  /** Of the oldest segment that is left. */
  firstSequence = 0
  /** Position of the newest fence; 0 before the first. */
  fenceSequence = 0

  /** @param now the trusted clock. */
  constructor(now: () => number) {
    this.#times = new RecordTimes(now)
  }

  /** Takes note of new segments; before the records in them. */
  follow(segments: readonly SegmentInfo[]): void {
    for (const { firstSequence } of segments) this.beginSegment(firstSequence)
  }

  beginSegment(firstSequence: number): void {
    if (this.firstSequence === 0) this.firstSequence = firstSequence
    this.tallies.begin(firstSequence, this.#times.latestMs)
  }

  submitted({ sequence, timeMs, bodyBytes }: Written, leasedUntilMs: number): void {
    this.#time(sequence, timeMs)
    this.open.add(sequence, { appendedAtMs: timeMs, bodyBytes }, leasedUntilMs)
  }

  marked({ sequence, timeMs, bodyBytes }: Written, mark: MarkBrief): void {
    this.tallies.at(sequence)?.marks.add(this.#time(sequence, timeMs), bodyBytes)
    // A late mark finishes a dead letter too.
    const entry = this.open.close(mark.sequence) ?? this.dead.remove(mark.sequence)
    if (entry) this.#finished(mark, entry)
  }

  fenced(sequence: number, generation: string): void {
    this.generation = generation
    this.fenceSequence = Math.max(this.fenceSequence, sequence)
  }

  setAside(letter: wal.DeadLetter, setAsideAtMs: number): void {
    const entry = this.open.close(letter.sequence)
    if (entry) this.dead.add(letter, entry, setAsideAtMs)
  }

  openAgain(sequence: number, leasedUntilMs: number): void {
    const entry = this.dead.remove(sequence)
    if (entry) this.open.add(sequence, entry, leasedUntilMs)
  }

  isUnfinished(sequence: number): boolean {
    return this.open.has(sequence) || this.dead.has(sequence)
  }

  /** Position of the oldest submission that is not done; Infinity when all are. */
  oldestUnfinished(): number {
    let oldest = Number.POSITIVE_INFINITY
    for (const sequence of this.open.sequences()) if (sequence < oldest) oldest = sequence
    for (const sequence of this.dead.sequences()) if (sequence < oldest) oldest = sequence
    return oldest
  }

  /** The records below that position are removed. */
  forgetBefore(sequence: number): void {
    this.firstSequence = sequence
    this.refused.forgetBefore(sequence)
    this.dropped.forgetBefore(sequence)
    this.tallies.forgetBefore(sequence)
  }

  /** Takes a record that is read back. */
  recover(record: VisitedRecord, leasedUntilMs: number): void {
    const { sequence, timeMs, bodyLength: bodyBytes } = record
    const written = { sequence, timeMs, bodyBytes }
    switch (record.type) {
      case RECORD_TYPE.submission:
        if (record.hasBody) {
          this.submitted(written, leasedUntilMs)
          break
        }
        // Only the body of what is done is ever dropped, and its mark may have gone since.
        this.dropped.add(sequence)
        break
      case BARE_SUBMISSION:
        throw new StartError(
          'this log was begun before version 0.1 and holds submissions in a form that is no longer read; set WAL_DIR to a new directory',
        )
      case RECORD_TYPE.mark: {
        const mark = decodeMarkBrief(record)
        if (mark) this.marked(written, mark)
        break
      }
      case RECORD_TYPE.fence:
        this.fenced(sequence, decodeFence(record) ?? this.generation)
        break
      case RECORD_TYPE.deadLetter: {
        const letter = decodeDeadLetter(record)
        if (letter) this.setAside(letter, timeMs)
        break
      }
      case RECORD_TYPE.redrive:
        this.openAgain(decodeRedrive(record) ?? 0, leasedUntilMs)
        break
    }
    this.#time(sequence, timeMs)
  }

  #finished({ sequence, status }: MarkBrief, { appendedAtMs, bodyBytes }: Unfinished): void {
    const refused = status === 400 || status === 401
    if (refused) this.refused.add(sequence)
    const tally = this.tallies.at(sequence)
    if (refused) tally?.refused.add(appendedAtMs, bodyBytes)
    else tally?.judged.add(appendedAtMs, bodyBytes)
  }

  #time(sequence: number, stampMs: number): number {
    const timeMs = this.#times.next(stampMs)
    const tally = this.tallies.at(sequence)
    if (tally) tally.newestMs = Math.max(tally.newestMs, timeMs)
    return timeMs
  }
}
