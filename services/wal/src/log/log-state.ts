import { log } from '@fractal-lba/proto'
import { StartError } from '@fractal-lba/runtime'
import { DeadLetters } from './dead-letters.js'
import type { RecoveredRecord } from './log-backend.js'
import type { MarkBrief } from './mark-brief.js'
import { OpenSubmissions, type Unfinished } from './open-submissions.js'
import {
  decodeClock,
  decodeDeadLetter,
  decodeDrain,
  decodeFence,
  decodeMarkBrief,
  decodeRedrive,
  RECORD_TYPE,
} from './records.js'
import { Stamps } from './stamps.js'
import type { DeadLetter, FencedLogs } from './submission-log.js'

/** The type of a submission without an envelope, before 0.1: overlooking one would lose it. */
const BARE_SUBMISSION = 1

/** Where and when a record was written, and the length of its body as it stands in the log. */
export interface Written {
  readonly sequence: number
  readonly timeMs: number
  readonly bodyBytes: number
}

/** A submission that a mark has finished. */
export interface Finished extends Unfinished {
  readonly sequence: number
  readonly status: number
}

/** Follows what is written and read back, in the order of the log. */
export interface LogObserver {
  submitted(written: Written): void
  /** @param finished undefined when the submission was finished before. */
  marked(written: Written, finished: Finished | undefined): void
  /** Earlier times beyond this one count as this one. */
  clockConfirmed(timeMs: number): void
}

/**
 * What the rules of a log need of its records: what is open or set aside, the current generation and its fence. Derived
 * from the records alone, in the same way while they are read back and while they are written.
 */
export class LogState {
  readonly open = new OpenSubmissions()
  readonly dead = new DeadLetters()
  readonly stamps = new Stamps()
  readonly #observer: LogObserver | undefined
  /** What marks must carry that come from the index; empty before the first fence. */
  generation = ''
  /** As the newest fence says. */
  fencedLogs: FencedLogs = { indexLogIds: [], retiredLogIds: [] }
  /** Position of the newest fence; 0 before the first. */
  fenceSequence = 0
  draining = false
  /** Position of the record that says so; 0 where none does. */
  drainSequence = 0
  /** Stamp of the newest mark of an outcome; 0 where there is none. */
  lastMarkMs = 0

  constructor(observer?: LogObserver) {
    this.#observer = observer
  }

  submitted(written: Written, leasedUntilMs: number): void {
    this.#observer?.submitted(written)
    const { sequence, timeMs, bodyBytes } = written
    this.open.add(sequence, { appendedAtMs: timeMs, bodyBytes }, leasedUntilMs)
  }

  marked(written: Written, { sequence, status }: MarkBrief): void {
    if (status !== 400 && status !== 401) this.lastMarkMs = Math.max(this.lastMarkMs, written.timeMs)
    // A late mark finishes a dead letter too.
    const unfinished = this.open.close(sequence) ?? this.dead.remove(sequence)
    if (!this.#observer) return
    const finished = unfinished && {
      sequence,
      status,
      appendedAtMs: unfinished.appendedAtMs,
      bodyBytes: unfinished.bodyBytes,
    }
    this.#observer.marked(written, finished)
  }

  fenced(sequence: number, generation: string, logs: FencedLogs): void {
    this.generation = generation
    this.fencedLogs = logs
    this.fenceSequence = Math.max(this.fenceSequence, sequence)
  }

  drained(sequence: number, draining: boolean): void {
    this.draining = draining
    this.drainSequence = draining ? Math.max(this.drainSequence, sequence) : 0
  }

  /** Whether what the log must never forget, its fence and that it drains, stands before this position. */
  mustRepeatBefore(sequence: number): boolean {
    const holds = (at: number): boolean => at > 0 && at < sequence
    return holds(this.fenceSequence) || holds(this.drainSequence)
  }

  setAside(letter: DeadLetter, setAsideAtMs: number): void {
    const unfinished = this.open.close(letter.sequence)
    if (unfinished) this.dead.add(letter, unfinished, setAsideAtMs)
  }

  openAgain(sequence: number, leasedUntilMs: number): void {
    const unfinished = this.dead.remove(sequence)
    if (unfinished) this.open.add(sequence, unfinished, leasedUntilMs)
  }

  clockNoted(sequence: number, timeMs: number, kind: log.Clock_Kind): void {
    if (kind === log.Clock_Kind.KIND_UNCONFIRMED) this.stamps.doubt()
    if (kind !== log.Clock_Kind.KIND_CONFIRMED) return
    this.stamps.confirmed(sequence, timeMs)
    this.lastMarkMs = Math.min(this.lastMarkMs, timeMs)
    this.#observer?.clockConfirmed(timeMs)
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

  /** Takes a record that is read back. */
  recover(record: RecoveredRecord, leasedUntilMs: number): void {
    const { sequence, timeMs, bodyLength: bodyBytes } = record
    const written = { sequence, timeMs, bodyBytes }
    this.stamps.recovered(timeMs)
    switch (record.type) {
      case RECORD_TYPE.submission:
        // Only the body of what is done is ever dropped, and its mark may have gone since.
        if (record.hasBody) this.submitted(written, leasedUntilMs)
        return
      case BARE_SUBMISSION:
        throw new StartError(
          'this log was begun before version 0.1 and holds submissions in a form that is no longer read; set WAL_DIR to a new directory',
        )
      case RECORD_TYPE.mark: {
        const mark = decodeMarkBrief(record)
        if (mark) this.marked(written, mark)
        return
      }
      case RECORD_TYPE.fence: {
        const fence = decodeFence(record)
        this.fenced(sequence, fence?.generation ?? this.generation, fence ?? this.fencedLogs)
        return
      }
      case RECORD_TYPE.drain:
        this.drained(sequence, decodeDrain(record) ?? this.draining)
        return
      case RECORD_TYPE.deadLetter: {
        const letter = decodeDeadLetter(record)
        if (letter) this.setAside(letter, timeMs)
        return
      }
      case RECORD_TYPE.redrive:
        this.openAgain(decodeRedrive(record) ?? 0, leasedUntilMs)
        return
      case RECORD_TYPE.clock:
        this.clockNoted(sequence, timeMs, decodeClock(record) ?? log.Clock_Kind.KIND_UNSPECIFIED)
        return
    }
  }
}
