import { setMaxListeners } from 'node:events'
import { isWalError } from '@fractal-lba/wal'
import { type Exchange, NoAnswer } from '../exchange.js'
import { isOutboxError, type Outbox, type SettledKind } from '../outbox/index.js'
import { type BackoffPolicy, retryAfterMs, waitMs } from './backoff.js'
import { EndpointState } from './endpoint-state.js'
import { judge } from './judgement.js'
import { Schedule, type Waiting } from './schedule.js'
import { realTimers, type Timers } from './timers.js'

/** Longer timers would fire at once. */
const TIMER_MS_MAX = 2 ** 31 - 1

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
  readonly inFlightMax: number
  readonly backoff: BackoffPolicy
  readonly onAttempt?: (attempt: Attempt) => void
  /** What is no answer of the other side and no refusal of the log. */
  readonly onFatal: (error: Error) => void
  /** In [0, 1). */
  readonly random?: () => number
  readonly timers?: Timers
}

/**
 * Sends what is pending in an outbox, in order of `outbox_seq`, a bounded number at a time, until each record has
 * an answer that settles it. Every attempt sends the bytes of the outbox unchanged, so `attempt` and `sent_at` in
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
      const next = this.#schedule.take(nowMs)
      if (next === undefined) break
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

  #launch(waiting: Waiting): void {
    const attempt = this.#attempt(waiting).catch((error: unknown) => {
      this.#options.onFatal(error instanceof Error ? error : new Error(String(error)))
    })
    this.#underWay.add(attempt)
    void attempt.then(() => {
      this.#underWay.delete(attempt)
      this.#pump()
    })
  }

  async #attempt({ seq, attempts: before }: Waiting): Promise<void> {
    const { outbox, deliver } = this.#options
    const attempts = before + 1
    const pcsId = outbox.bySeq(seq)?.pcsId ?? ''
    try {
      const answer = await deliver(await outbox.read(seq), this.#cut.signal)
      const judgement = judge(answer, pcsId)
      if (judgement === 'retry') {
        const askedMs = retryAfterMs(answer, Date.now()) ?? 0
        this.#endpoint.failed(this.#timers.nowMs(), askedMs, this.#random())
        this.#later({ seq, attempts, pcsId, askedMs, why: whyLater(answer) })
        return
      }
      this.#endpoint.answered()
      const { status, replayed, body } = answer
      await outbox.settle(seq, { kind: judgement, status, replayed, attempts, body: Buffer.from(body) })
      this.#options.onAttempt?.({ result: judgement, seq, pcsId, answer })
    } catch (error) {
      if (error instanceof NoAnswer) {
        if (this.#cut.signal.aborted) return
        this.#endpoint.failed(this.#timers.nowMs(), 0, this.#random())
      } else if (isOutboxError(error, 'damaged')) {
        this.#unreadable += 1
        this.#options.onAttempt?.({ result: 'unreadable', seq, pcsId, why: error.message })
        return
      } else if (!isLocalRefusal(error)) throw error
      this.#later({ seq, attempts, pcsId, askedMs: 0, why: error.message })
    }
  }

  #later(given: {
    readonly seq: number
    readonly attempts: number
    readonly pcsId: string
    readonly askedMs: number
    readonly why: string
  }): void {
    const { seq, attempts, pcsId, askedMs, why } = given
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
