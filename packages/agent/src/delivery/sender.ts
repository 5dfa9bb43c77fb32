import { setMaxListeners } from 'node:events'
import { isWalError } from '@fractal-lba/wal'
import { type Exchange, NoAnswer } from '../exchange.js'
import { isOutboxError, type Outbox, type SettledKind } from '../outbox/index.js'
import { type BackoffPolicy, retryAfterMs, waitMs } from './backoff.js'
import { BATCH_BYTES_MAX, BatchUse, fitsALine, lineAnswers } from './batches.js'
import { EndpointState } from './endpoint-state.js'
import { judge } from './judgement.js'
import { Schedule, type Waiting } from './schedule.js'
import { realTimers, type Timers } from './timers.js'

/** Longer timers would fire at once. */
const TIMER_MS_MAX = 2 ** 31 - 1
/** Records of the outbox that are read at once. */
const READS_MAX = 32

/** What one attempt came to. */
export type Attempt =
  | { readonly result: SettledKind; readonly seq: number; readonly pcsId: string; readonly answer: Exchange }
  | {
      readonly result: 'retry'
      readonly seq: number
      readonly pcsId: string
      /** A sentence. */
      readonly why: string
      readonly waitMs: number
    }
  /** The outbox is damaged there: the record stays pending, and is not tried again before the next start. */
  | { readonly result: 'unreadable'; readonly seq: number; readonly pcsId: string; readonly why: string }

export interface SenderOptions {
  readonly outbox: Outbox
  /** Sends the bytes and gives the whole answer. @throws NoAnswer */
  readonly deliver: (record: Uint8Array, signal: AbortSignal) => Promise<Exchange>
  /** Sends several in one request; without it each goes by itself. @throws NoAnswer */
  readonly deliverBatch?: (records: readonly Uint8Array[], signal: AbortSignal) => Promise<Exchange>
  /** Requests. */
  readonly inFlightMax: number
  readonly backoff: BackoffPolicy
  readonly onAttempt?: (attempt: Attempt) => void
  /** What is no answer of the other side and no refusal of the log. */
  readonly onFatal: (error: Error) => void
  /** In [0, 1). */
  readonly random?: () => number
  readonly timers?: Timers
}

/** A record that is being sent. */
interface Sent {
  readonly seq: number
  /** This one included. */
  readonly attempts: number
  readonly pcsId: string
  readonly bytes: Buffer
}

/**
 * Sends what is pending in an outbox, in order of `outbox_seq`, a bounded number at a time, until each record has
 * an answer that settles it. Where more than a few are due they go together, one batch at a time. Every attempt sends the bytes of the outbox unchanged, so `attempt` and `sent_at` in
 * them are those of the time when the record was made.
 */
export class Sender {
  readonly #options: SenderOptions
  readonly #schedule = new Schedule()
  readonly #endpoint: EndpointState
  readonly #random: () => number
  readonly #timers: Timers
  readonly #cut = new AbortController()
  readonly #underWay = new Set<Promise<void>>()
  readonly #batches = new BatchUse()
  #batchUnderWay = false
  #callOff: () => void = () => undefined
  #stopped = false
  #unreadable = 0
  #idle: (() => void)[] = []

  constructor(options: SenderOptions) {
    this.#options = options
    this.#endpoint = new EndpointState(options.backoff)
    this.#random = options.random ?? Math.random
    this.#timers = options.timers ?? realTimers
    setMaxListeners(options.inFlightMax, this.#cut.signal)
    const { outbox } = options
    outbox.onPending = ({ seq }) => this.#offer(seq)
    for (const { seq, state } of outbox.entries()) {
      if (state === 'pending') this.#schedule.add({ seq, attempts: 0, dueMs: 0 })
    }
  }

  /** Whether the last attempt of all got no answer, or "later". */
  get endpointIsDown(): boolean {
    return this.#endpoint.isDown
  }

  /** Pending records that cannot be read, and so are not sent. */
  get unreadable(): number {
    return this.#unreadable
  }

  start(): void {
    this.#pump()
  }

  /** Resolves when nothing is pending that can be sent. */
  whenIdle(): Promise<void> {
    return new Promise((resolve) => {
      this.#idle.push(resolve)
      this.#pump()
    })
  }

  /** Sends nothing more; what is under way may take that long, then it is cut off and stays pending. */
  async stop(graceMs: number): Promise<void> {
    this.#stopped = true
    this.#callOff()
    const callOffCut = this.#timers.after(graceMs, () => this.#cut.abort())
    await Promise.all(this.#underWay)
    callOffCut()
  }

  #offer(seq: number): void {
    this.#schedule.add({ seq, attempts: 0, dueMs: 0 })
    this.#pump()
  }

  /** Starts what may be started now, and sees to it that it is called when there is more. */
  #pump(): void {
    if (this.#stopped) return
    const nowMs = this.#timers.nowMs()
    const allowance = this.#endpoint.allowance(nowMs, this.#options.inFlightMax)
    while (this.#underWay.size < allowance) {
      const together = this.#together(nowMs)
      // What is due beside a batch goes with the next one.
      if (together > 0 && this.#batchUnderWay) break
      const next = this.#take(together, nowMs)
      if (next.length === 0) break
      this.#launch(next)
    }
    if (this.#underWay.size === 0 && this.#schedule.size === 0) {
      for (const resolve of this.#idle.splice(0)) resolve()
    }
    this.#callOff()
    // The end of a request calls this again. A timer is needed only for records that wait.
    const nextMs = this.#schedule.nextMs(nowMs)
    const dueMs = Math.max(nextMs ?? 0, this.#endpoint.untilMs)
    if (nextMs === undefined || dueMs <= nowMs) return
    const waitMs = Math.min(Math.ceil(dueMs - nowMs), TIMER_MS_MAX)
    this.#callOff = this.#timers.after(waitMs, () => this.#pump())
  }

  /** How many of those that are due go together now; 0: each by itself, among them the one that asks whether it is up. */
  #together(nowMs: number): number {
    if (!this.#options.deliverBatch || this.#endpoint.isDown) return 0
    return this.#batches.recordsOf(this.#schedule.dueCount(nowMs), nowMs)
  }

  #take(together: number, nowMs: number): readonly Waiting[] {
    const taken: Waiting[] = []
    while (taken.length < Math.max(1, together)) {
      const next = this.#schedule.take(nowMs)
      if (next === undefined) break
      taken.push(next)
    }
    return taken
  }

  #launch(taken: readonly Waiting[]): void {
    const isBatch = taken.length > 1
    this.#batchUnderWay ||= isBatch
    const attempt = this.#attempt(taken).catch((error: unknown) => {
      this.#options.onFatal(error instanceof Error ? error : new Error(String(error)))
    })
    this.#underWay.add(attempt)
    void attempt.then(() => {
      this.#underWay.delete(attempt)
      if (isBatch) this.#batchUnderWay = false
      this.#pump()
    })
  }

  async #attempt(taken: readonly Waiting[]): Promise<void> {
    const { deliver, deliverBatch } = this.#options
    const sent = await this.#read(taken)
    const [first, ...others] = sent
    if (!first) return
    try {
      if (others.length === 0 || !deliverBatch) {
        await this.#answered([[first, await deliver(first.bytes, this.#cut.signal)]])
        return
      }
      const bytes = sent.map((record) => record.bytes)
      const answer = await deliverBatch(bytes, this.#cut.signal)
      await this.#batchAnswered(sent, answer)
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error
      if (this.#cut.signal.aborted) return
      this.#endpoint.failed(this.#timers.nowMs(), 0, this.#random())
      for (const record of sent) this.#later(record, 0, error.message)
    }
  }

  /** What is to be sent in one request, in its order; the rest waits for the next. */
  async #read(taken: readonly Waiting[]): Promise<readonly Sent[]> {
    const sent: Sent[] = []
    let sizeBytes = 0
    for (let at = 0; at < taken.length; at += READS_MAX) {
      const group = taken.slice(at, at + READS_MAX)
      const read = await Promise.all(group.map((waiting) => this.#readOne(waiting)))
      for (const [index, record] of read.entries()) {
        if (!record) continue
        const fits = fitsALine(record.bytes) && sizeBytes + record.bytes.length <= BATCH_BYTES_MAX
        const isAlone = sent.length === 0
        if (fits || isAlone) sent.push(record)
        sizeBytes += record.bytes.length
        if (fits) continue
        this.#sendLater(taken.slice(at + index + (isAlone ? 1 : 0)))
        return sent
      }
    }
    return sent
  }

  /** Undefined where the outbox is damaged there. */
  async #readOne({ seq, attempts }: Waiting): Promise<Sent | undefined> {
    const { outbox } = this.#options
    const pcsId = outbox.bySeq(seq)?.pcsId ?? ''
    try {
      return { seq, attempts: attempts + 1, pcsId, bytes: await outbox.read(seq) }
    } catch (error) {
      if (!isOutboxError(error, 'damaged')) throw error
      this.#unreadable += 1
      this.#options.onAttempt?.({ result: 'unreadable', seq, pcsId, why: error.message })
      return undefined
    }
  }

  #sendLater(taken: readonly Waiting[]): void {
    for (const waiting of taken) this.#schedule.add(waiting)
  }

  async #batchAnswered(sent: readonly Sent[], answer: Exchange): Promise<void> {
    const answers = lineAnswers(answer, sent.length)
    if (answers) {
      const none: Exchange = { ...answer, retryAfter: undefined, body: '' }
      await this.#answered(sent.map((record, index) => [record, answers[index] ?? none]))
      return
    }
    const nowMs = this.#timers.nowMs()
    if (this.#batches.refused(answer, sent.length, nowMs)) {
      this.#sendLater(sent.map(({ seq, attempts }) => ({ seq, attempts: attempts - 1, dueMs: 0 })))
      return
    }
    // About the request, never about a record: a 400 or 413 of the whole settles none.
    const askedMs = retryAfterMs(answer, Date.now()) ?? 0
    this.#endpoint.failed(nowMs, askedMs, this.#random())
    for (const record of sent) this.#later(record, askedMs, whyLater(answer))
  }

  /** What the answers of one request come to, each for its record. */
  async #answered(answers: readonly (readonly [Sent, Exchange])[]): Promise<void> {
    const judged = answers.map(([sent, answer]) => ({ sent, answer, judgement: judge(answer, sent.pcsId) }))
    if (judged.some(({ judgement }) => judgement !== 'retry')) this.#endpoint.answered()
    const later = judged.filter(({ judgement }) => judgement === 'retry')
    const asked = later.map(({ answer }) => retryAfterMs(answer, Date.now()) ?? 0)
    if (later.length > 0) this.#endpoint.failed(this.#timers.nowMs(), Math.max(...asked), this.#random())
    for (const [index, { sent, answer }] of later.entries()) {
      this.#later(sent, asked[index] ?? 0, whyLater(answer))
    }
    await Promise.all(
      judged.map(async ({ sent, answer, judgement }) => {
        if (judgement !== 'retry') await this.#settle(sent, answer, judgement)
      }),
    )
  }

  async #settle(sent: Sent, answer: Exchange, kind: SettledKind): Promise<void> {
    const { seq, attempts, pcsId } = sent
    const { status, replayed, body } = answer
    try {
      await this.#options.outbox.settle(seq, { kind, status, replayed, attempts, body: Buffer.from(body) })
      this.#options.onAttempt?.({ result: kind, seq, pcsId, answer })
    } catch (error) {
      if (!isLocalRefusal(error)) throw error
      this.#later(sent, 0, error.message)
    }
  }

  #later({ seq, attempts, pcsId }: Sent, askedMs: number, why: string): void {
    // Each record waits by a chance of its own: one that cannot be judged is not always the first to be tried.
    const ms = waitMs(this.#options.backoff, attempts, askedMs, this.#random())
    this.#schedule.add({ seq, attempts, dueMs: this.#timers.nowMs() + ms })
    this.#options.onAttempt?.({ result: 'retry', seq, pcsId, why, waitMs: ms })
  }
}

function whyLater({ status }: Exchange): string {
  return status < 300 ? `the answer was ${status}, but no verdict on this record` : `the answer was ${status}`
}

/** The answer could not be written. A later attempt gets the same answer replayed. */
function isLocalRefusal(error: unknown): error is Error {
  return isWalError(error, 'out_of_space') || isWalError(error, 'queue_full')
}
