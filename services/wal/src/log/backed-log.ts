import { log } from '@fractal-lba/proto'
import { AppError, type CallContext, unavailable } from '@fractal-lba/runtime'
import { printableReason } from './dead-letters.js'
import type { LogBackend, RecordToAppend, StoredRecord } from './log-backend.js'
import type { LogState } from './log-state.js'
import type { LeaseLimits } from './open-submissions.js'
import {
  clockRecord,
  copiedMarkRecord,
  deadLetterRecord,
  decodeMark,
  decodeSubmission,
  drainRecord,
  type EncodedRecord,
  fenceRecord,
  markRecord,
  RECORD_TYPE,
  redriveRecord,
  submissionRecord,
} from './records.js'
import type {
  DeadLetterPage,
  FencedLogs,
  LeasedSubmission,
  LogClockState,
  LogPosition,
  LogStatus,
  Mark,
  MarkRequest,
  MarksRead,
  NewSubmission,
  ReplayFailureReport,
  StoredMark,
  SubmissionLog,
} from './submission-log.js'

export interface SubmissionLogLimits {
  /** Submissions without a mark that may be remembered; more are refused. */
  readonly openMax: number
  /** After an opening, how long a gateway may still be working on what was open. */
  readonly liveLeaseMs: number
  /** Failures of its own after which an open submission is set aside. */
  readonly replayTries: number
}

export interface LogClocks {
  readonly wallMs: () => number
  readonly monotonicMs: () => number
}

/** A submission whose replay has failed rests for so long. */
const FAILED_LEASE_MS = 1_000

const CLOCK_KINDS = {
  unconfirmed: log.Clock_Kind.KIND_UNCONFIRMED,
  confirmed: log.Clock_Kind.KIND_CONFIRMED,
  running: log.Clock_Kind.KIND_RUNNING,
}
const NO_LOGS: FencedLogs = { indexLogIds: [], retiredLogIds: [] }
const FENCED_LOGS_MAX = 256
const DRAINING = 'this log drains: it was told to take no more submissions'
const RETIRED = 'this log is retired: stop its service, and take it out of WAL_ADDR everywhere'
const MARKS_ONLY = new Set<number>([RECORD_TYPE.mark])

/** The rules of a log of submissions, over any backend that keeps records in order. */
export class BackedLog implements SubmissionLog {
  readonly #backend: LogBackend
  readonly #state: LogState
  readonly #limits: SubmissionLogLimits
  readonly #clocks: LogClocks
  /** Appends that are not durable yet. */
  #writing = 0

  /** @param state has taken what the backend holds. */
  constructor(backend: LogBackend, state: LogState, limits: SubmissionLogLimits, clocks: LogClocks) {
    this.#backend = backend
    this.#state = state
    this.#limits = limits
    this.#clocks = clocks
    state.stamps.opened(clocks.wallMs())
  }

  get logId(): string {
    return this.#backend.logId
  }

  async append(
    submissions: readonly NewSubmission[],
    contexts: readonly (CallContext | undefined)[] = [],
  ): Promise<LogPosition[]> {
    this.#checkTakesSubmissions(submissions.length)
    const records = submissions.map((item, index) => submissionRecord(item, contexts[index]))
    const { first, timeMs } = await this.#write(records)
    const nowMs = this.#clocks.monotonicMs()
    return submissions.map(({ liveMs }, index) => {
      const sequence = first + index
      const bodyBytes = records[index]?.body.length ?? 0
      this.#state.submitted({ sequence, timeMs, bodyBytes }, nowMs + liveMs)
      return { logId: this.logId, sequence }
    })
  }

  async mark(requests: readonly MarkRequest[]): Promise<(LogPosition | AppError)[]> {
    const marks: Mark[] = []
    const refusals = requests.map((request) => {
      const refusal = this.#refusalOf(request)
      if (!refusal && request.mark) marks.push(request.mark)
      return refusal
    })
    let sequence = marks.length > 0 ? await this.#writeMarks(marks) : 0
    return refusals.map((refusal) => refusal ?? { logId: this.logId, sequence: sequence++ })
  }

  async leaseOpen(limits: LeaseLimits, leaseMs: number): Promise<LeasedSubmission[]> {
    const nowMs = this.#clocks.monotonicMs()
    const sequences = this.#state.open.lease(limits, nowMs, nowMs + leaseMs)
    const records = await Promise.all(sequences.map((sequence) => this.#backend.readOne(sequence)))
    return records.flatMap((record) => (record ? leasedSubmission(this.logId, record) : []))
  }

  listDeadLetters(fromSequence: number, countMax: number): DeadLetterPage {
    return this.#state.dead.list(fromSequence, countMax)
  }

  async reportReplayFailure(
    position: LogPosition | undefined,
    reason: string,
    { isOutage = false } = {},
  ): Promise<ReplayFailureReport> {
    if (position?.logId !== this.logId) {
      throw new AppError('superseded', 'the failure is of another log than this one')
    }
    const { sequence } = position
    this.#state.open.endLease(sequence, this.#clocks.monotonicMs() + FAILED_LEASE_MS)
    const tries = this.#state.open.countFailure(sequence, isOutage ? 0 : 1)
    if (isOutage || tries < this.#limits.replayTries)
      return { tries, deadLetter: this.#state.dead.has(sequence) }
    const letter = { sequence, reason: printableReason(reason), tries }
    const { timeMs } = await this.#write([deadLetterRecord(letter)])
    this.#state.setAside(letter, timeMs)
    return { tries, deadLetter: this.#state.dead.has(sequence) }
  }

  async redrive(sequence: number): Promise<LogPosition> {
    if (!this.#state.dead.has(sequence)) {
      throw new AppError('malformed', 'there is no dead letter at this position; list them to see which')
    }
    const { first } = await this.#write([redriveRecord(sequence)])
    this.#state.openAgain(sequence, this.#clocks.monotonicMs())
    return { logId: this.logId, sequence: first }
  }

  async *readMarks(fromSequence: number): AsyncGenerator<MarksRead> {
    const endSequence = this.#backend.head().sequence + 1
    let nextSequence = Math.max(1, fromSequence)
    for await (const records of this.#backend.read(nextSequence, MARKS_ONLY)) {
      const marks = records.flatMap((record) => {
        const mark = decodeMark(record)
        const flushedAtMs = mark?.copiedFrom?.flushedAtMs ?? this.#timeOf(record)
        return mark ? [{ sequence: record.sequence, flushedAtMs, mark }] : []
      })
      nextSequence = (records.at(-1)?.sequence ?? nextSequence - 1) + 1
      yield { marks, nextSequence, endSequence }
      if (nextSequence >= endSequence) return
    }
    // Sent even when there was nothing to read: the reader knows by it that it has everything.
    yield { marks: [], nextSequence: endSequence, endSequence }
  }

  async fence(generation: string, logs: FencedLogs = NO_LOGS): Promise<LogPosition> {
    if (!/^[\x21-\x7e]{1,64}$/.test(generation)) {
      throw new AppError('malformed', 'a generation has 1 to 64 printable ASCII characters')
    }
    const { indexLogIds } = logs
    // An index that does not know yet that this log is retired learns it here, and does not make it unknown.
    const retiredLogIds = this.#isRetired ? this.#withOwnId(logs.retiredLogIds) : logs.retiredLogIds
    if (![indexLogIds, retiredLogIds].every(areLogIds)) {
      throw new AppError('malformed', `a fence names up to ${FENCED_LOGS_MAX} logs, each by 32 hex digits`)
    }
    this.#state.generation = generation
    this.#state.fencedLogs = { indexLogIds, retiredLogIds }
    return { logId: this.logId, sequence: await this.#writeFence() }
  }

  async copyMarks(fromLogId: string, marks: readonly StoredMark[]): Promise<LogPosition> {
    if (!areLogIds([fromLogId]) || fromLogId === this.logId) {
      throw new AppError('malformed', 'marks are copied from another log, named by 32 hex digits')
    }
    // They are no more urgent than submissions are: the room that is left is for this log's own marks.
    this.#checkTakesSubmissions(0)
    const indexed = marks.filter(({ mark }) => mark.indexed)
    if (indexed.length === 0) return { logId: this.logId, sequence: this.#backend.head().sequence }
    const records = indexed.map((mark) => copiedMarkRecord(fromLogId, mark))
    const { first, timeMs } = await this.#write(records)
    for (const [index, { mark }] of indexed.entries()) {
      const bodyBytes = records[index]?.body.length ?? 0
      this.#state.marked({ sequence: first + index, timeMs, bodyBytes }, { sequence: 0, status: mark.status })
    }
    return { logId: this.logId, sequence: first + indexed.length - 1 }
  }

  async retire(nextSequence: number): Promise<LogPosition> {
    const { draining, open, dead, fencedLogs } = this.#state
    if (!draining) throw new AppError('superseded', 'this log takes submissions: let it drain first')
    if (open.count + dead.count > 0) {
      throw new AppError(
        'superseded',
        `this log has ${open.count} open submissions and ${dead.count} dead letters: they must be finished first`,
      )
    }
    if (this.#writing > 0 || this.#backend.head().sequence + 1 !== nextSequence) {
      throw new AppError('superseded', 'this log has gone on since its marks were read')
    }
    this.#state.fencedLogs = { ...fencedLogs, retiredLogIds: this.#withOwnId(fencedLogs.retiredLogIds) }
    return { logId: this.logId, sequence: await this.#writeFence() }
  }

  async drain(draining: boolean): Promise<void> {
    if (this.#isRetired) throw new AppError('superseded', RETIRED)
    // From the call on: what was queued before is taken still, and open like all else.
    this.#state.draining = draining
    await this.#writeDrain(draining)
  }

  status(): LogStatus {
    const { open, dead, generation, fencedLogs, lastMarkMs, draining } = this.#state
    const { damaged, sizeBytes, space } = this.#backend
    const head = this.#backend.head()
    const refusal = this.#refusalOfSubmissions(1)
    const oldestMs = open.oldestAppendedAtMs
    return {
      headSequence: head.sequence,
      headChain: head.chain,
      generation,
      fencedLogs,
      lastMarkMs,
      draining,
      retired: this.#isRetired,
      openCount: open.count,
      oldestOpenAgeMs: oldestMs === undefined ? 0 : Math.max(0, Math.floor(this.#clocks.wallMs() - oldestMs)),
      deadLetterCount: dead.count,
      refusal,
      noRoom: this.#backend.refusal,
      damaged,
      sizeBytes,
      space,
    }
  }

  clock(): LogClockState {
    const { stamps } = this.#state
    const { lastMs: lastStampMs, restedMs, unconfirmed: clockUnconfirmed } = stamps
    return { stampMs: stamps.at(this.#clocks.wallMs()), lastStampMs, restedMs, clockUnconfirmed }
  }

  async noteClock(kind: keyof typeof CLOCK_KINDS): Promise<LogPosition> {
    if (kind === 'unconfirmed') this.#state.stamps.doubt()
    const { first, timeMs } = await this.#write([clockRecord(CLOCK_KINDS[kind])])
    this.#state.clockNoted(first, timeMs, CLOCK_KINDS[kind])
    return { logId: this.logId, sequence: first }
  }

  confirmClock(): Promise<LogPosition> {
    this.#state.stamps.beginAnew(this.#clocks.wallMs())
    return this.noteClock('confirmed')
  }

  close(): Promise<void> {
    return this.#backend.close()
  }

  /** Writes the current generation, and that the log drains, once more: they must outlive where they stand. */
  protected async repeatLasting(): Promise<void> {
    if (this.#state.fenceSequence > 0) await this.#writeFence()
    if (this.#state.draining) await this.#writeDrain(true)
  }

  async #writeDrain(draining: boolean): Promise<void> {
    const { first } = await this.#write([drainRecord(draining)])
    this.#state.drained(first, draining)
  }

  /** @returns its position */
  async #writeFence(): Promise<number> {
    const { generation, fencedLogs } = this.#state
    const { first } = await this.#write([fenceRecord(generation, fencedLogs)])
    this.#state.fenceSequence = Math.max(this.#state.fenceSequence, first)
    return first
  }

  #checkTakesSubmissions(count: number): void {
    const refusal = this.#refusalOfSubmissions(count)
    if (refusal !== undefined) throw unavailable(refusal)
  }

  get #isRetired(): boolean {
    return this.#state.fencedLogs.retiredLogIds.includes(this.logId)
  }

  #withOwnId(logIds: readonly string[]): readonly string[] {
    return logIds.includes(this.logId) ? logIds : [...logIds, this.logId]
  }

  #refusalOfSubmissions(count: number): string | undefined {
    if (this.#isRetired) return RETIRED
    if (this.#state.draining) return DRAINING
    const { refusal } = this.#backend
    if (refusal !== undefined) return refusal
    const unfinished = this.#state.open.count + this.#state.dead.count
    if (unfinished + count <= this.#limits.openMax) return undefined
    return `the log has ${unfinished} unfinished submissions, and WAL_OPEN_MAX allows no more`
  }

  #refusalOf({ logId, mark }: MarkRequest): AppError | undefined {
    if (logId !== this.logId) return new AppError('superseded', 'the mark is for another log than this one')
    if (!mark || mark.sequence < 1 || mark.sequence > this.#backend.head().sequence) {
      return new AppError('malformed', 'the mark names no record of this log')
    }
    if (mark.indexed && this.#isRetired) return new AppError('superseded', RETIRED)
    if (mark.indexed && mark.generation !== this.#state.generation) {
      return new AppError(
        'superseded',
        'the index has been filled anew since it gave this verdict; ask it again',
      )
    }
    return undefined
  }

  async #writeMarks(marks: readonly Mark[]): Promise<number> {
    const records = marks.map(markRecord)
    const { first, timeMs } = await this.#write(records)
    for (const [index, mark] of marks.entries()) {
      const bodyBytes = records[index]?.body.length ?? 0
      this.#state.marked({ sequence: first + index, timeMs, bodyBytes }, mark)
    }
    return first
  }

  #timeOf({ sequence, timeMs }: StoredRecord): number {
    return this.#state.stamps.timeOf(sequence, timeMs)
  }

  /** The one place where a record gets its stamp. */
  async #write(records: readonly EncodedRecord[]): Promise<{ first: number; timeMs: number }> {
    const timeMs = this.#state.stamps.next(this.#clocks.wallMs())
    const stamped = records.map(
      ({ type, encoding, body }): RecordToAppend => ({ type, encoding, body, timeMs }),
    )
    this.#writing += 1
    try {
      return { first: await this.#backend.append(stamped), timeMs }
    } finally {
      this.#writing -= 1
    }
  }
}

function leasedSubmission(logId: string, record: StoredRecord): LeasedSubmission[] {
  const submission = decodeSubmission(record)
  if (!submission) return []
  const { body, encoding, context } = submission
  return [
    { position: { logId, sequence: record.sequence }, body, encoding, appendedAtMs: record.timeMs, context },
  ]
}

function areLogIds(ids: readonly string[]): boolean {
  return ids.length <= FENCED_LOGS_MAX && ids.every((id) => /^[0-9a-f]{32}$/.test(id))
}
