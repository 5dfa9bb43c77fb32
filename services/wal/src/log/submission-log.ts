import type { record } from '@fractal-lba/proto'
import type { AppError, CallContext } from '@fractal-lba/runtime'
import type { LeaseLimits } from './open-submissions.js'

/** Where a record stands: in which log, and the how many-th it is there. */
export interface LogPosition {
  /** 32 hex digits, made with the log. */
  readonly logId: string
  /** Counts from 1. */
  readonly sequence: number
}

export interface NewSubmission {
  readonly body: Buffer
  readonly encoding: record.Encoding
  /** How long the live request may still work on it; leased to nobody before. */
  readonly liveMs: number
  /** When the gateway had its last byte, wall clock of the gateway; 0: not known. */
  readonly arrivedAtMs: number
}

/** What became of a submission. */
export interface Mark {
  /** Of the submission, in the same log. */
  readonly sequence: number
  /** 200, 202, 400, 401 or 409. */
  readonly status: number
  /** Bytes that the log never looks into. */
  readonly verdict?: Buffer | undefined
  /** The verdict belongs into the index. */
  readonly indexed: boolean
  /** Of the index that the verdict comes from; empty when not indexed. */
  readonly generation: string
  readonly replayed: boolean
}

export interface MarkRequest {
  /** The log that the mark is meant for. */
  readonly logId: string
  readonly mark: Mark | undefined
}

/** A submission without a mark, leased to whoever asked for it. */
export interface LeasedSubmission {
  readonly position: LogPosition
  readonly body: Buffer
  readonly encoding: record.Encoding
  /** Stamp of its record: wall clock. */
  readonly appendedAtMs: number
  /** The trace of the request that brought it. */
  readonly context: CallContext | undefined
}

export interface ReplayFailureReport {
  /** Failures of its own by now; 0 when it is not open. */
  readonly tries: number
  readonly deadLetter: boolean
}

/** That a submission was set aside. */
export interface DeadLetter {
  readonly sequence: number
  readonly reason: string
  readonly tries: number
}

export interface StoredDeadLetter {
  readonly deadLetter: DeadLetter
  /** Stamps of the two records: wall clock. */
  readonly appendedAtMs: number
  readonly setAsideAtMs: number
}

export interface DeadLetterPage {
  readonly entries: StoredDeadLetter[]
  /** Where the next page begins; 0 when this is the last. */
  readonly nextFromSequence: number
  readonly deadLetterCount: number
}

export interface StoredMark {
  readonly sequence: number
  /** Stamp of its record: wall clock. */
  readonly flushedAtMs: number
  readonly mark: Mark
}

/** What one step of a reading of marks brings, and how far it has come. */
export interface MarksRead {
  readonly marks: StoredMark[]
  readonly nextSequence: number
  /** Where this reading will end. */
  readonly endSequence: number
}

/** The logs that an index is filled from, by log_id: what each fence says, so that it outlives the index's store. */
export interface FencedLogs {
  readonly indexLogIds: readonly string[]
  /** Those that it once was and is no longer. */
  readonly retiredLogIds: readonly string[]
}

/** How the log stands. */
export interface LogStatus {
  /** Of the newest durable record; 0 while the log is empty. */
  readonly headSequence: number
  /** The hash chain there, 64 hex digits. */
  readonly headChain: string
  /** What marks must carry that come from the index; empty before the first fence. */
  readonly generation: string
  /** As the newest fence says. */
  readonly fencedLogs: FencedLogs
  /** Stamp of the newest mark of an outcome: wall clock; 0 where there is none. */
  readonly lastMarkMs: number
  /** It was told to drain. */
  readonly draining: boolean
  /** It was ended for good. */
  readonly retired: boolean
  readonly openCount: number
  /** 0 when nothing is open. */
  readonly oldestOpenAgeMs: number
  readonly deadLetterCount: number
  /** Why no submissions are taken, and what to do; undefined while they are. */
  readonly refusal: string | undefined
  /** That part of it which is for want of room, or of what keeps the log; undefined while there is room. */
  readonly noRoom: string | undefined
  /** Names of the parts that are damaged: a person must look at them. */
  readonly damaged: readonly string[]
  readonly sizeBytes: number
  /** Of what keeps the log, where that is known. */
  readonly space?: LogSpace | undefined
}

/** The clock that stamps the records of a log. Wall clock, milliseconds. */
export interface LogClockState {
  /** What a record would be stamped with now; never before the last stamp. */
  readonly stampMs: number
  /** 0 while the log is empty. */
  readonly lastStampMs: number
  /** How far the clock was ahead of the last stamp when the log was opened. */
  readonly restedMs: number
  /** The log says that its clock was far ahead at an opening, and not that somebody has confirmed it since. */
  readonly clockUnconfirmed: boolean
}

export interface LogSpace {
  readonly freeBytes: number
  readonly sizeBytes: number
}

/**
 * The log as this system uses it: submissions, the marks that say what became of them, and the fences that divide the
 * marks by generations of the index. What is resolved is durable, as far as this log promises that. log.contract.ts
 * says what holds for every implementation.
 */
export interface SubmissionLog {
  readonly logId: string

  /**
   * Appends them together, in order.
   * @param contexts the trace of each, up to the last that has one
   * @returns the position of each, when all are durable
   * @throws AppError unavailable: nothing was taken
   */
  append(
    submissions: readonly NewSubmission[],
    contexts?: readonly (CallContext | undefined)[],
  ): Promise<LogPosition[]>

  /**
   * Resolves when the marks are durable, with the position of each. What may not be marked is refused one by one:
   * `superseded` for another log or a verdict of an index that has been replaced (see fence), `malformed` for what
   * names no record of this log.
   * @throws AppError unavailable
   */
  mark(requests: readonly MarkRequest[]): Promise<(LogPosition | AppError)[]>

  /** Open submissions that nobody works on, oldest first: the caller's for leaseMs, or until they are marked. */
  leaseOpen(limits: LeaseLimits, leaseMs: number): Promise<LeasedSubmission[]>

  /**
   * Counts a failure that lies in the submission itself; at the last try allowed it is set aside as a dead letter, and
   * this resolves when that is durable. Failures are remembered only while the log is open. An outage is not counted.
   * Either way its lease ends after a second.
   * @throws AppError superseded for another log
   */
  reportReplayFailure(
    position: LogPosition | undefined,
    reason: string,
    options?: { readonly isOutage?: boolean },
  ): Promise<ReplayFailureReport>

  /** A page of them, in the order of the log. */
  listDeadLetters(fromSequence: number, countMax: number): DeadLetterPage

  /** Opens a dead letter again, with fresh tries. @throws AppError malformed where there is none */
  redrive(sequence: number): Promise<LogPosition>

  /** All marks from a position up to the end as of the call, in order, in bounded steps. */
  readMarks(fromSequence: number): AsyncIterable<MarksRead>

  /**
   * From the moment of the call no mark of an older generation gets into the log, and those that got in stand before
   * the fence: whoever reads up to it misses none that will ever be acknowledged.
   * @param logs that the index is filled from
   * @throws AppError malformed when it has not 1 to 64 printable ASCII characters, or names too many logs
   */
  fence(generation: string, logs?: FencedLogs): Promise<LogPosition>

  /**
   * Takes no more submissions, also after it was opened again; or takes them again. Resolves when that is durable.
   * @throws AppError superseded when it is retired
   */
  drain(draining: boolean): Promise<void>

  /**
   * Takes over marks of another log that is to be retired. They are read back with the time at which they were made
   * there, and finish nothing here; what does not belong into the index is left out.
   * @returns the position of the last of them, when all are durable
   * @throws AppError unavailable, also while no submissions are taken
   */
  copyMarks(fromLogId: string, marks: readonly StoredMark[]): Promise<LogPosition>

  /**
   * Ends the log for good, also after it was opened again: from the moment of the call it takes neither submissions nor
   * marks of the index. Its own fence says so, so that every index of it learns it.
   * @param nextSequence what stands before it is known to the caller
   * @throws AppError superseded while it takes submissions or has unfinished ones, and when it has gone on since
   */
  retire(nextSequence: number): Promise<LogPosition>

  status(): LogStatus

  clock(): LogClockState

  /** Resolves when the log durably says so of its clock. @throws AppError unavailable */
  noteClock(kind: 'unconfirmed' | 'confirmed' | 'running'): Promise<LogPosition>

  /**
   * The clock is right, whatever the last stamp says: stamps begin at its time, and earlier ones beyond it count as that.
   * @throws AppError unavailable
   */
  confirmClock(): Promise<LogPosition>

  /** Takes nothing more; what is in is made durable. */
  close(): Promise<void>
}
