import type { record, wal } from '@fractal-lba/proto'
import { AppError, type CallContext, monotonicMs, StartError, unavailable } from '@fractal-lba/runtime'
import { type CompactableLog, type LogOptions, type LogRecord, openLog, WalError } from '@fractal-lba/wal'
import { type CompactionOptions, type CompactionReport, compactLog } from '../directory/compaction-pass.js'
import { printableReason } from './dead-letters.js'
import { LogState } from './log-state.js'
import {
  deadLetterRecord,
  decodeMark,
  decodeSubmission,
  fenceRecord,
  markRecord,
  RECORD_TYPE,
  redriveRecord,
  submissionRecord,
} from './records.js'

export interface SubmissionLogLimits {
  readonly openMax: number
  readonly liveLeaseMs: number
  /** Failures of its own after which an open submission is set aside. */
  readonly replayTries: number
}

/** Read at once: a few milliseconds of work, for which those who append and mark have to wait. */
const READ_BYTES = 128 * 2 ** 10
const MARKS_ONLY = new Set([RECORD_TYPE.mark])

/** What one reading of marks brings, and how far it has come. */
export interface MarksRead {
  readonly marks: wal.StoredMark[]
  readonly nextSequence: number
  readonly endSequence: number
}

/**
 * The log as this system uses it: submissions, the marks that say what became of them, and the fences that
 * divide the marks by generations of the index. Its state (what is open, the current generation) is derived
 * from the records alone, in the same pass in which the log is opened.
 */
export class SubmissionLog {
  readonly #limits: SubmissionLogLimits
  readonly #state: LogState
  /** What records are stamped with. */
  readonly #wallMs: () => number
  #log: CompactableLog | undefined
  /** A segment was begun that the state does not know yet. */
  #segmentBegun = false

  private constructor(limits: SubmissionLogLimits, wallMs: () => number, now: () => number) {
    this.#limits = limits
    this.#wallMs = wallMs
    this.#state = new LogState(now)
  }

  /** @param now the trusted clock, for what depends on the age of records. */
  static async open(
    directory: string,
    limits: SubmissionLogLimits,
    options: LogOptions,
    now: () => number = Date.now,
  ): Promise<SubmissionLog> {
    const self = new SubmissionLog(limits, options.clock?.wallMs ?? Date.now, now)
    const state = self.#state
    const leasedUntilMs = monotonicMs() + limits.liveLeaseMs
    let segment: string | undefined
    try {
      self.#log = await openLog(directory, {
        ...options,
        visit(record, location) {
          if (location.segment !== segment) state.beginSegment(record.sequence)
          segment = location.segment
          state.recover(record, leasedUntilMs)
        },
        onEvent(event) {
          if (event.type === 'segment_created') self.#segmentBegun = true
          options.onEvent?.(event)
        },
      })
    } catch (error) {
      // Held by another process, written by a newer version: a person must act, and the sentence says how.
      if (error instanceof WalError) throw new StartError(error.message, { cause: error })
      if (isUnusable(error)) {
        const sentence = `the log cannot be kept in ${directory}: set WAL_DIR to a directory that can be written`
        throw new StartError(`${sentence} (${error.message})`, { cause: error })
      }
      throw error
    }
    return self
  }

  get logId(): string {
    return this.#opened.logId
  }

  /** What marks must carry that come from the index; empty before the first fence. */
  get generation(): string {
    return this.#state.generation
  }

  get openCount(): number {
    return this.#state.open.count
  }

  /** Milliseconds by the wall clock; 0 when nothing is open. */
  get oldestOpenMs(): number {
    const appendedAtMs = this.#state.open.oldestAppendedAtMs
    return appendedAtMs === undefined ? 0 : Math.max(0, this.#wallMs() - appendedAtMs)
  }

  /** Why the log takes no appends now; undefined while it does. */
  get refusal(): string | undefined {
    const { writable, reason } = this.#opened.status()
    return writable ? undefined : (reason ?? 'the log takes no appends')
  }

  get head(): ReturnType<CompactableLog['head']> {
    return this.#opened.head()
  }

  /** File names of the damaged segments. */
  get quarantinedSegments(): readonly string[] {
    return this.#opened.status().quarantined
  }

  /** Length of the log on the disk, without what is preallocated. */
  get sizeBytes(): number {
    return this.#opened.segments().reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  }

  /**
   * Resolves after the flush, with the position of each.
   * @param contexts the trace of each item; empty where none has one
   * @throws AppError unavailable
   */
  async append(
    items: readonly wal.AppendItem[],
    contexts: readonly (CallContext | undefined)[] = [],
  ): Promise<record.Position[]> {
    const unfinished = this.#state.open.count + this.#state.dead.count
    if (unfinished + items.length > this.#limits.openMax) {
      throw unavailable(`the log has ${unfinished} unfinished submissions, and WAL_OPEN_MAX allows no more`)
    }
    const appendedAtMs = this.#wallMs()
    const records = items.map((item, index) => submissionRecord(item, contexts[index]))
    const first = await this.#write(records)
    const nowMs = monotonicMs()
    return items.map((item, index) => {
      const bodyBytes = records[index]?.body.length ?? 0
      const written = { sequence: first + index, timeMs: appendedAtMs, bodyBytes }
      this.#state.submitted(written, nowMs + item.liveMs)
      return { logId: this.logId, sequence: first + index }
    })
  }

  /**
   * Resolves after the flush. What may not be marked is refused item by item: a mark for another log, or one
   * whose verdict comes from an index that has been replaced (see fence).
   */
  async markDone(items: readonly wal.MarkItem[]): Promise<(record.Position | AppError)[]> {
    const marks: wal.Mark[] = []
    const refusals = items.map((item) => {
      const refusal = this.#refusalOf(item)
      if (!refusal && item.mark) marks.push(item.mark)
      return refusal
    })
    const records = marks.map(markRecord)
    let sequence = records.length > 0 ? await this.#write(records) : 0
    const timeMs = this.#wallMs()
    for (const [index, mark] of marks.entries()) {
      const bodyBytes = records[index]?.body.length ?? 0
      this.#state.marked({ sequence: sequence + index, timeMs, bodyBytes }, mark)
    }
    return refusals.map((refusal) => refusal ?? { logId: this.logId, sequence: sequence++ })
  }

  /** Open submissions that nobody holds, oldest first; they are the caller's for leaseMs. */
  async leaseOpen(entriesMax: number, leaseMs: number): Promise<wal.OpenEntry[]> {
    const nowMs = monotonicMs()
    const sequences = this.#state.open.lease(entriesMax, nowMs, nowMs + leaseMs)
    const records = await Promise.all(sequences.map((sequence) => this.#opened.readOne(sequence)))
    return records.flatMap((record) => (record ? openEntry(this.logId, record) : []))
  }

  get deadLetterCount(): number {
    return this.#state.dead.count
  }

  listDeadLetters(fromSequence: number, entriesMax: number): wal.ListDeadLettersResponse {
    return this.#state.dead.list(fromSequence, entriesMax)
  }

  /**
   * Counts a failure that lies in the submission itself; at the last try allowed it is set aside, and this
   * resolves after the flush. Failures are counted in memory only: after a restart they begin again.
   */
  async reportReplayFailure(
    position: record.Position | undefined,
    reason: string,
  ): Promise<wal.ReportReplayFailureResponse> {
    if (position?.logId !== this.logId) {
      throw new AppError('superseded', 'the failure is of another log than this one')
    }
    const { sequence } = position
    const tries = this.#state.open.countFailure(sequence)
    if (tries < this.#limits.replayTries) return { tries, deadLetter: this.#state.dead.has(sequence) }
    const letter = { sequence, reason: printableReason(reason), tries }
    await this.#write([deadLetterRecord(letter)])
    this.#state.setAside(letter, this.#wallMs())
    return { tries, deadLetter: this.#state.dead.has(sequence) }
  }

  /** Opens a dead letter again, with fresh tries. @throws AppError malformed where there is none. */
  async redrive(sequence: number): Promise<record.Position> {
    if (!this.#state.dead.has(sequence)) {
      throw new AppError('malformed', 'there is no dead letter at this position; list them to see which')
    }
    const position = { logId: this.logId, sequence: await this.#write([redriveRecord(sequence)]) }
    this.#state.openAgain(sequence, monotonicMs())
    return position
  }

  /** All marks from a position up to the end as of the call, in order, in bounded batches. */
  async *readMarks(fromSequence: number): AsyncGenerator<MarksRead> {
    const endSequence = this.#opened.head().sequence + 1
    let nextSequence = Math.max(1, fromSequence)
    const reading = { batchBytesMax: READ_BYTES, types: MARKS_ONLY }
    for await (const records of this.#opened.read(nextSequence, reading)) {
      const marks = records.flatMap((record) => {
        const mark = decodeMark(record)
        return mark ? [{ sequence: record.sequence, flushedAtMs: record.timeMs, mark }] : []
      })
      nextSequence = (records.at(-1)?.sequence ?? nextSequence - 1) + 1
      yield { marks, nextSequence, endSequence }
      if (nextSequence >= endSequence) return
    }
    // Said even when there was nothing to read: the reader knows by it that it has everything.
    yield { marks: [], nextSequence: endSequence, endSequence }
  }

  /**
   * From the moment of the call no mark of an older generation gets into the log, and those that got in stand
   * before the fence: so whoever reads up to it misses none that will ever be acknowledged.
   */
  async fence(generation: string): Promise<record.Position> {
    if (!/^[\x21-\x7e]{1,64}$/.test(generation)) {
      throw new AppError('malformed', 'a generation has 1 to 64 printable ASCII characters')
    }
    this.#state.generation = generation
    return { logId: this.logId, sequence: await this.#writeFence() }
  }

  /** Makes the log smaller as far as retention allows; not two at a time. @throws AppError unavailable */
  async compact(options: CompactionOptions): Promise<CompactionReport> {
    this.#followSegments()
    const target = { log: this.#opened, state: this.#state, repeatFence: () => this.#writeFence() }
    try {
      return await compactLog(target, options)
    } catch (error) {
      if (error instanceof WalError) throw unavailable(error.message, error)
      throw error
    }
  }

  /** False when the directory that is written is not the one under its name any more. */
  holdsDirectory(): Promise<boolean> {
    return this.#opened.holdsDirectory()
  }

  close(): Promise<void> {
    return this.#opened.close()
  }

  get #opened(): CompactableLog {
    if (!this.#log) throw new Error('the log is used before it is open')
    return this.#log
  }

  async #writeFence(): Promise<number> {
    const { generation } = this.#state
    const sequence = await this.#write([fenceRecord(generation)])
    this.#state.fenceSequence = Math.max(this.#state.fenceSequence, sequence)
    return sequence
  }

  /** Segments are few, records many: looked at only when one was begun. */
  #followSegments(): void {
    if (!this.#segmentBegun) return
    this.#segmentBegun = false
    this.#state.follow(this.#opened.segments())
  }

  #refusalOf({ logId, mark }: wal.MarkItem): AppError | undefined {
    if (logId !== this.logId) return new AppError('superseded', 'the mark is for another log than this one')
    if (!mark || mark.sequence < 1 || mark.sequence > this.#opened.head().sequence) {
      return new AppError('malformed', 'the mark names no entry of this log')
    }
    if (mark.indexed && mark.generation !== this.#state.generation) {
      return new AppError(
        'superseded',
        'the index has been filled anew since it gave this verdict; ask it again',
      )
    }
    return undefined
  }

  async #write(records: Parameters<CompactableLog['append']>[0]): Promise<number> {
    try {
      const sequence = await this.#opened.append(records)
      this.#followSegments()
      return sequence
    } catch (error) {
      if (error instanceof WalError) throw unavailable(error.message, error)
      throw error
    }
  }
}

function openEntry(logId: string, record: LogRecord): wal.OpenEntry[] {
  const submission = decodeSubmission(record)
  if (!submission) return []
  const { body, encoding, context } = submission
  return [
    { position: { logId, sequence: record.sequence }, body, encoding, appendedAtMs: record.timeMs, context },
  ]
}

/** The directory is none, or may not be written: no fault of the disk, and no start mends it by itself. */
function isUnusable(error: unknown): error is Error {
  if (!(error instanceof Error) || !('code' in error)) return false
  return ['EEXIST', 'ENOTDIR', 'EACCES', 'EPERM', 'EROFS'].includes(String(error.code))
}
