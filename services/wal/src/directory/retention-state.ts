import type { SegmentInfo } from '@fractal-lba/wal'
import type { RecoveredRecord } from '../log/log-backend.js'
import type { Finished, LogObserver, Written } from '../log/log-state.js'
import { RECORD_TYPE } from '../log/records.js'
import { RecordTimes } from './record-times.js'
import { SegmentTallies } from './segment-tallies.js'
import { SequenceSet } from './sequence-set.js'

/** What compaction must know of the records: which submissions were refused or dropped, and what each segment holds. */
export class RetentionState implements LogObserver {
  /** Submissions that ended with 400 or 401. */
  readonly refused = new SequenceSet()
  /** Submissions whose bodies are dropped. */
  readonly dropped = new SequenceSet()
  readonly tallies = new SegmentTallies()
  readonly #times: RecordTimes
  /** Of the oldest segment that is left. */
  firstSequence = 0

  /** @param nowMs the trusted clock. */
  constructor(nowMs: () => number) {
    this.#times = new RecordTimes(nowMs)
  }

  /** Takes note of new segments; before the records in them. */
  follow(segments: readonly SegmentInfo[]): void {
    for (const { firstSequence } of segments) this.beginSegment(firstSequence)
  }

  beginSegment(firstSequence: number): void {
    if (this.firstSequence === 0) this.firstSequence = firstSequence
    this.tallies.begin(firstSequence, this.#times.latestMs)
  }

  submitted({ sequence, timeMs }: Written): void {
    this.#time(sequence, timeMs)
  }

  marked({ sequence, timeMs, bodyBytes }: Written, finished: Finished | undefined): void {
    this.tallies.at(sequence)?.marks.add(this.#time(sequence, timeMs), bodyBytes)
    if (finished) this.#finished(finished)
  }

  clockConfirmed(timeMs: number): void {
    this.#times.notBeyond(timeMs)
    this.tallies.notBeyond(timeMs)
  }

  /** Takes a record of any type that is read back, after the state of the log has. */
  recovered({ type, sequence, timeMs, hasBody }: RecoveredRecord): void {
    if (type === RECORD_TYPE.submission && !hasBody) this.dropped.add(sequence)
    this.#time(sequence, timeMs)
  }

  /** The records below that position are removed. */
  forgetBefore(sequence: number): void {
    this.firstSequence = sequence
    this.refused.forgetBefore(sequence)
    this.dropped.forgetBefore(sequence)
    this.tallies.forgetBefore(sequence)
  }

  #finished({ sequence, status, appendedAtMs, bodyBytes }: Finished): void {
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
