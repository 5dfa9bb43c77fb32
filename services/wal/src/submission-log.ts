import type { wal } from '@fractal-lba/proto'
import { AppError, monotonicMs, StartError, unavailable } from '@fractal-lba/runtime'
import { type LogOptions, type LogRecord, openLog, type RecordLog, WalError } from '@fractal-lba/wal'
import { OpenEntries } from './open-entries.js'
import { decodeFence, decodeMark, fenceRecord, markRecord, RECORD_TYPE, submissionRecord } from './records.js'

export interface SubmissionLogLimits {
  readonly openEntriesMax: number
  readonly liveHoldMs: number
}

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
  readonly #open = new OpenEntries()
  #log: RecordLog | undefined
  #generation = ''

  private constructor(limits: SubmissionLogLimits) {
    this.#limits = limits
  }

  static async open(
    directory: string,
    limits: SubmissionLogLimits,
    options: LogOptions,
  ): Promise<SubmissionLog> {
    const self = new SubmissionLog(limits)
    const heldUntilMs = monotonicMs() + limits.liveHoldMs
    try {
      self.#log = await openLog(directory, {
        ...options,
        visit: (record) => self.#recover(record, heldUntilMs),
      })
    } catch (error) {
      // Held by another process, written by a newer version: a person must act, and the sentence says how.
      if (error instanceof WalError) throw new StartError(error.message, { cause: error })
      throw error
    }
    return self
  }

  get logId(): string {
    return this.#opened.logId
  }

  /** What marks must carry that come from the index; empty before the first fence. */
  get generation(): string {
    return this.#generation
  }

  get openCount(): number {
    return this.#open.count
  }

  /** Milliseconds by the wall clock; 0 when nothing is open. */
  get oldestOpenMs(): number {
    const appendedAtMs = this.#open.oldestAppendedAtMs
    return appendedAtMs === undefined ? 0 : Math.max(0, Date.now() - appendedAtMs)
  }

  /** Why the log takes no appends now; undefined while it does. */
  get refusal(): string | undefined {
    const { writable, reason } = this.#opened.status()
    return writable ? undefined : (reason ?? 'the log takes no appends')
  }

  get head(): ReturnType<RecordLog['head']> {
    return this.#opened.head()
  }

  /** Resolves after the flush, with the position of each. @throws AppError unavailable */
  async append(items: readonly wal.AppendItem[]): Promise<wal.Position[]> {
    if (this.#open.count + items.length > this.#limits.openEntriesMax) {
      throw unavailable(
        `the log has ${this.#open.count} unfinished submissions, and WAL_OPEN_MAX allows no more`,
      )
    }
    const appendedAtMs = Date.now()
    const first = await this.#write(items.map(submissionRecord))
    const nowMs = monotonicMs()
    return items.map((item, index) => {
      this.#open.add(first + index, appendedAtMs, nowMs + item.liveMs)
      return { logId: this.logId, sequence: first + index }
    })
  }

  /**
   * Resolves after the flush. What may not be marked is refused item by item: a mark for another log, or one
   * whose verdict comes from an index that has been replaced (see fence).
   */
  async markDone(items: readonly wal.MarkItem[]): Promise<(wal.Position | AppError)[]> {
    const marks: wal.Mark[] = []
    const refusals = items.map((item) => {
      const refusal = this.#refusalOf(item)
      if (!refusal && item.mark) marks.push(item.mark)
      return refusal
    })
    let sequence = marks.length > 0 ? await this.#write(marks.map(markRecord)) : 0
    for (const mark of marks) this.#open.close(mark.sequence)
    return refusals.map((refusal) => refusal ?? { logId: this.logId, sequence: sequence++ })
  }

  /** Open submissions that nobody holds, oldest first; they are the caller's for leaseMs. */
  async leaseOpen(entriesMax: number, leaseMs: number): Promise<wal.OpenEntry[]> {
    const nowMs = monotonicMs()
    const sequences = this.#open.lease(entriesMax, nowMs, nowMs + leaseMs)
    const records = await Promise.all(sequences.map((sequence) => this.#opened.readOne(sequence)))
    return records.flatMap((record) => (record?.body ? [openEntry(this.logId, record, record.body)] : []))
  }

  /** All marks from a position up to the end as of the call, in order, in bounded batches. */
  async *readMarks(fromSequence: number): AsyncGenerator<MarksRead> {
    const endSequence = this.#opened.head().sequence + 1
    let nextSequence = Math.max(1, fromSequence)
    for await (const records of this.#opened.read(nextSequence)) {
      const marks = records.flatMap((record) => {
        const mark = record.type === RECORD_TYPE.mark ? decodeMark(record) : undefined
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
  async fence(generation: string): Promise<wal.Position> {
    if (!/^[\x21-\x7e]{1,64}$/.test(generation)) {
      throw new AppError('malformed', 'a generation has 1 to 64 printable ASCII characters')
    }
    this.#generation = generation
    return { logId: this.logId, sequence: await this.#write([fenceRecord(generation)]) }
  }

  close(): Promise<void> {
    return this.#opened.close()
  }

  get #opened(): RecordLog {
    if (!this.#log) throw new Error('the log is used before it is open')
    return this.#log
  }

  #recover(record: LogRecord, heldUntilMs: number): void {
    if (record.type === RECORD_TYPE.submission) {
      this.#open.add(record.sequence, record.timeMs, heldUntilMs)
    } else if (record.type === RECORD_TYPE.mark) {
      const mark = decodeMark(record)
      if (mark) this.#open.close(mark.sequence)
    } else if (record.type === RECORD_TYPE.fence) {
      this.#generation = decodeFence(record) ?? this.#generation
    }
  }

  #refusalOf({ logId, mark }: wal.MarkItem): AppError | undefined {
    if (logId !== this.logId) return new AppError('superseded', 'the mark is for another log than this one')
    if (!mark || mark.sequence < 1 || mark.sequence > this.#opened.head().sequence) {
      return new AppError('malformed', 'the mark names no entry of this log')
    }
    if (mark.indexed && mark.generation !== this.#generation) {
      return new AppError(
        'superseded',
        'the index has been filled anew since it gave this verdict; ask it again',
      )
    }
    return undefined
  }

  async #write(records: Parameters<RecordLog['append']>[0]): Promise<number> {
    try {
      return await this.#opened.append(records)
    } catch (error) {
      if (error instanceof WalError) throw unavailable(error.message, error)
      throw error
    }
  }
}

function openEntry(logId: string, record: LogRecord, body: Buffer): wal.OpenEntry {
  const position = { logId, sequence: record.sequence }
  return { position, body, encoding: record.encoding, appendedAtMs: record.timeMs }
}
