import { monotonicMs } from '@fractal-lba/clock'
import { AppError, LostInFlight, unavailable } from '../errors.js'
import type { Attributes } from '../telemetry/tracer.js'
import { type CallContext, type CallOptions, hopDeadlineMs, NO_CONTEXT } from './call-context.js'
import type { Endpoints } from './endpoints.js'
import type { Around, CallEnd, TracedItem } from './interceptors.js'
import { ItemQueue, type Pending } from './item-queue.js'
import type { Lane } from './lane.js'
import { Lanes } from './lanes.js'
import type { HopLimits } from './limits.js'
import type { MethodDefinition } from './method.js'
import type { BatchResponse, Channel, Endpoint } from './transport.js'

export interface BatchOptions<Item, Result, Answer> {
  /** What the caller gets of a result; what it throws, the caller gets as its error. */
  readonly answer: (result: Result) => Answer
  /** Size of an item on the wire, bytes, roughly; a batch stays below batchBytesMax unless one item is larger. */
  readonly sizeBytes: (item: Item) => number
  /**
   * Asked twice, it does what it does asked once: then an item that its server lost, refused as unavailable or did not
   * answer in time is sent once more within the deadline of the whole, to another server where there is one.
   */
  readonly idempotent: boolean
  /** Most bytes of a batch of this operation, where its work for a byte is dear; batchBytesMax of the hop otherwise. */
  readonly batchBytesMax?: number | undefined
  /** What a trace is to say of an answer. */
  readonly describe?: (answer: Answer) => Attributes
}

export interface BatchClientParts {
  /** Names the service in errors: "wal". */
  readonly service: string
  readonly method: MethodDefinition
  readonly endpoints: Endpoints
  readonly open: (endpoint: Endpoint) => Channel
  readonly limits: HopLimits
}

const SWEEP_EVERY_MS = 50
/** Of the places that wait, how many one client may have. */
const CLIENT_QUEUE_SHARE = 0.5

interface Sent<Item, Answer> {
  readonly batch: number
  readonly pending: readonly Pending<Item, Answer>[]
  readonly sentMs: number
  readonly end: ((end: CallEnd) => void) | undefined
}

/**
 * The client's end of streams of batches. Batching is natural: what is asked while batches are under way goes
 * into the next one; nothing waits for company. The only timer is the one that ends what is too late.
 */
export class BatchClient<Item, Result, Answer> {
  readonly #parts: BatchClientParts
  readonly #options: BatchOptions<Item, Result, Answer>
  readonly #around: Around | undefined
  readonly #lanes: Lanes
  readonly #inFlight = new Map<Lane, Sent<Item, Answer>>()
  readonly #queue: ItemQueue<Item, Answer>
  #batch = 0
  #isPumpScheduled = false
  #isClosed = false
  #sweeper: NodeJS.Timeout | undefined

  /** @param aroundOf asked once, with the length of the queue */
  constructor(
    parts: BatchClientParts,
    options: BatchOptions<Item, Result, Answer>,
    aroundOf: (queuedItems: () => number) => Around | undefined,
  ) {
    const { method, open, limits, endpoints } = parts
    this.#parts = parts
    this.#options = options
    this.#queue = new ItemQueue(options.sizeBytes)
    this.#around = aroundOf(() => this.#queue.length)
    const lane = { method, open, timeoutMs: limits.timeoutMs, ageMs: limits.laneAgeMs }
    this.#lanes = new Lanes(endpoints, limits.lanes, lane, {
      changed: () => this.#pump(),
      failed: (lane) => {
        this.#lanes.failed(lane)
        this.#pumpOrFail()
      },
      answered: (lane, response) => this.#onAnswer(lane, response as BatchResponse),
      lost: (lane, error, untaken) => this.#onLost(lane, error, untaken),
      drained: () => endpoints.refresh(),
    })
    endpoints.onAnswer(() => this.#pumpOrFail())
  }

  /**
   * @throws AppError unavailable: the queue is full, the service is not there, or it answered too late; LostInFlight
   * where a server ended over the item.
   */
  call(
    item: Item,
    { deadlineMs, context, onLate, alone = false, client }: CallOptions<Answer> = {},
  ): Promise<Answer> {
    const { service, limits } = this.#parts
    if (this.#isClosed) return Promise.reject(unavailable(`${service}: the client is closed`))
    if (this.#isFullFor(client)) {
      const full = unavailable(`${service} has more work waiting than it may have`)
      const pending = { askedMs: monotonicMs(), context, error: full }
      this.#around?.({ size: 1, beganMs: undefined, traced: context ? [pending] : [] })({
        endedMs: pending.askedMs,
        errors: [full],
      })
      return Promise.reject(full)
    }
    const ownDeadlineMs = hopDeadlineMs(limits.timeoutMs, deadlineMs)
    const nowMs = monotonicMs()
    return new Promise((resolve, reject) => {
      // Every property by its name: a spread here took a tenth of the gateway's time.
      this.#queue.push({
        item,
        context,
        resolve,
        reject,
        onLate,
        alone,
        client,
        turn: 0,
        askedMs: nowMs,
        queuedMs: nowMs,
        deadlineMs: ownDeadlineMs,
        wholeDeadlineMs: deadlineMs ?? ownDeadlineMs,
        failedAt: undefined,
        lostWith: undefined,
        error: undefined,
        answer: undefined,
      })
      // One turn of the event loop gathers what arrived together; a lone item does not notice it.
      if (!this.#isPumpScheduled) {
        this.#isPumpScheduled = true
        setImmediate(() => {
          this.#isPumpScheduled = false
          this.#pump()
        })
      }
      // Where this process itself was late, the answer may be here already, and is read before the immediate.
      this.#sweeper ??= setInterval(() => setImmediate(() => this.#sweep()), SWEEP_EVERY_MS)
    })
  }

  /** One client's waiting work leaves room for that of others. */
  #isFullFor(client: string | undefined): boolean {
    const { queueItemsMax } = this.#parts.limits
    if (this.#queue.length >= queueItemsMax) return true
    return client !== undefined && this.#queue.waitingOf(client) >= queueItemsMax * CLIENT_QUEUE_SHARE
  }

  /** Opens its lanes anew, each between its batches. */
  reopen(): void {
    this.#lanes.reopen()
  }

  close(): void {
    this.#isClosed = true
    clearInterval(this.#sweeper)
    const closed = unavailable(`${this.#parts.service}: the client is closed`)
    for (const sent of this.#inFlight.values()) this.#fail(sent, closed)
    this.#inFlight.clear()
    this.#failUnsent(
      this.#queue.takeEach(() => true),
      closed,
    )
    this.#lanes.close()
  }

  #pump(): void {
    if (this.#isClosed) return
    if (this.#queue.length === 0) return
    this.#lanes.keepOpen(monotonicMs())
    while (!this.#mustWait()) {
      const lane = this.#lanes.take((address) => this.#queue.has((each) => this.#mayGoTo(address, each)))
      if (!lane) break
      this.#send(lane, this.#takeBatch(lane.endpoint.address))
    }
  }

  /** What is to be alone waits for what is in flight, and everything waits for its end. */
  #mustWait(): boolean {
    if (this.#inFlight.size === 0) return false
    if (this.#queue.isFirstAlone) return true
    for (const { pending } of this.#inFlight.values()) if (pending[0]?.alone) return true
    return false
  }

  #mayGoTo(address: string, { failedAt, queuedMs }: Pending<Item, Answer>): boolean {
    return failedAt !== address || !this.#lanes.hasOther(address, queuedMs)
  }

  /**
   * An attempt to reach a server has failed. What waits fails with it where no other way is open and each server was
   * tried meanwhile; what is asked later waits for the next attempt, so that a server that is back is never missed.
   */
  #pumpOrFail(): void {
    this.#pump()
    if (this.#queue.length === 0 || this.#inFlight.size > 0) return
    const unreachable = this.#queue.takeEach(({ queuedMs }) => this.#lanes.isTried(queuedMs))
    const { service, endpoints } = this.#parts
    this.#failUnsent(unreachable, unavailable(endpoints.refusal ?? `${service} is not reachable`))
  }

  #send(lane: Lane, pending: Pending<Item, Answer>[]): void {
    this.#batch = (this.#batch + 1) >>> 0
    const traced: Pending<Item, Answer>[] = []
    const items: Item[] = []
    for (const each of pending) {
      items.push(each.item)
      if (each.context) traced.push(each)
    }
    const sentMs = monotonicMs()
    const end = this.#around?.({ size: pending.length, beganMs: sentMs, traced })
    this.#inFlight.set(lane, { batch: this.#batch, pending, sentMs, end })
    lane.send({ batch: this.#batch, items, contexts: traced.length > 0 ? contextsOf(pending) : [] })
  }

  #takeBatch(address: string): Pending<Item, Answer>[] {
    const { batchItemsMax: itemsMax, batchBytesMax } = this.#parts.limits
    const { batchBytesMax: bytesMax = batchBytesMax } = this.#options
    return this.#queue.take((each) => this.#mayGoTo(address, each), { itemsMax, bytesMax })
  }

  /**
   * The second try of an item that failed at a server, where there may be one.
   * @param needsAnother whether the server would only do the same again
   */
  #secondTry(
    pending: Pending<Item, Answer>,
    address: string,
    nowMs: number,
    needsAnother: boolean,
  ): Pending<Item, Answer> | undefined {
    const { alone, error, failedAt, wholeDeadlineMs } = pending
    if (!this.#options.idempotent || alone || error !== undefined || failedAt !== undefined) return undefined
    if (wholeDeadlineMs <= nowMs || (needsAnother && !this.#lanes.isUsableWithout(address))) return undefined
    const deadlineMs = Math.min(nowMs + this.#parts.limits.timeoutMs, wholeDeadlineMs)
    return { ...pending, failedAt: address, queuedMs: nowMs, deadlineMs }
  }

  #onAnswer(lane: Lane, { batch, results }: BatchResponse): void {
    const sent = this.#inFlight.get(lane)
    if (!sent || batch !== sent.batch || results.length !== sent.pending.length) {
      this.#inFlight.delete(lane)
      lane.giveUp()
      this.#lanes.done(lane)
      if (sent) this.#fail(sent, unavailable(`${this.#parts.service} answered what was not asked`))
      this.#pump()
      return
    }
    this.#inFlight.delete(lane)
    lane.free()
    this.#lanes.done(lane)
    this.#pump()
    const { address } = lane.endpoint
    const errors: unknown[] = []
    const again: Pending<Item, Answer>[] = []
    for (const [index, pending] of sent.pending.entries()) {
      try {
        const answer = this.#options.answer(results[index] as Result)
        pending.answer = answer
        if (pending.error === undefined) pending.resolve(answer)
        else pending.onLate?.(answer)
      } catch (error) {
        const isUnavailable = error instanceof AppError && error.code === 'unavailable'
        const second = isUnavailable && this.#secondTry(pending, address, monotonicMs(), true)
        if (second) again.push(second)
        else if (pending.error === undefined) pending.reject(error)
        pending.error ??= error
      }
      if (pending.error !== undefined) errors.push(pending.error)
    }
    sent.end?.({ endedMs: monotonicMs(), errors })
    this.#tryAgain(again)
  }

  /** All of its items have failed; some want to know nevertheless. */
  #onLateAnswer(sent: Sent<Item, Answer>, { batch, results }: BatchResponse): void {
    if (batch !== sent.batch || results.length !== sent.pending.length) return
    for (const [index, { onLate }] of sent.pending.entries()) {
      if (!onLate) continue
      try {
        onLate(this.#options.answer(results[index] as Result))
      } catch {
        // The server has refused the item: there is no answer.
      }
    }
  }

  /** What the server has not begun, and what may be tried twice, goes back to the head of the queue. */
  #onLost(lane: Lane, cause: AppError, untaken: boolean): void {
    const sent = this.#inFlight.get(lane)
    this.#inFlight.delete(lane)
    this.#lanes.done(lane)
    if (!sent) return
    const nowMs = monotonicMs()
    const again: Pending<Item, Answer>[] = []
    const errors: unknown[] = []
    const error = untaken
      ? unavailable(`${this.#parts.service} is not reachable`, cause)
      : this.#lost(cause, sent.pending[0]?.alone)
    for (const pending of sent.pending) {
      const isUnsent = untaken && pending.error === undefined && pending.deadlineMs > nowMs
      const next = isUnsent ? pending : this.#secondTry(pending, lane.endpoint.address, nowMs, false)
      if (next) {
        if (!untaken) next.lostWith = cause
        again.push(next)
        continue
      }
      pending.error ??= error
      pending.reject(error)
      errors.push(pending.error)
    }
    sent.end?.({ endedMs: nowMs, errors })
    this.#tryAgain(again)
  }

  /** Puts items at the head of the queue. */
  #tryAgain(again: Pending<Item, Answer>[]): void {
    this.#queue.putBack(again)
    this.#pump()
  }

  /** Those that have not failed before. */
  #fail({ pending, end }: Sent<Item, Answer>, error: AppError): void {
    const errors: unknown[] = []
    for (const each of pending) {
      if (each.error === undefined) {
        each.error = each.lostWith ? this.#lost(each.lostWith) : error
        each.reject(each.error)
      }
      errors.push(each.error)
    }
    end?.({ endedMs: monotonicMs(), errors })
  }

  #lost(cause: AppError, wasAlone = false): LostInFlight {
    return new LostInFlight(this.#parts.service, { wasAlone, cause })
  }

  #failUnsent(pending: readonly Pending<Item, Answer>[], error: AppError): void {
    if (pending.length === 0) return
    const traced = pending.filter(({ context }) => context)
    const end = this.#around?.({ size: pending.length, beganMs: undefined, traced })
    this.#fail({ batch: 0, pending, sentMs: 0, end }, error)
  }

  #sweep(): void {
    const nowMs = monotonicMs()
    const late = unavailable(`${this.#parts.service} did not answer in time`)
    this.#failUnsent(
      this.#queue.takeEach(({ deadlineMs }) => deadlineMs <= nowMs),
      late,
    )
    for (const [lane, sent] of this.#inFlight) this.#giveUpIfLate(lane, sent, nowMs, late)
    this.#pump()
    if (this.#queue.length === 0 && this.#inFlight.size === 0) {
      clearInterval(this.#sweeper)
      this.#sweeper = undefined
    }
  }

  /** An item fails at its own deadline; the lane is given up when it owes an answer for a whole timeout. */
  #giveUpIfLate(lane: Lane, sent: Sent<Item, Answer>, nowMs: number, late: AppError): void {
    const again: Pending<Item, Answer>[] = []
    for (const pending of sent.pending) {
      if (pending.deadlineMs > nowMs || pending.error !== undefined) continue
      const second = this.#secondTry(pending, lane.endpoint.address, nowMs, true)
      if (second) again.push(second)
      else pending.reject(late)
      pending.error = late
    }
    this.#tryAgain(again)
    if (nowMs - sent.sentMs < this.#parts.limits.timeoutMs) return
    this.#inFlight.delete(lane)
    const isAwaited = sent.pending.some(({ onLate }) => onLate)
    lane.giveUp(isAwaited ? (response) => this.#onLateAnswer(sent, response) : undefined)
    this.#lanes.done(lane)
    this.#fail(sent, late)
    this.#pump()
  }
}

/** Up to the last item that has one: each costs its encoding and decoding, and few have any. */
function contextsOf(pending: readonly TracedItem[]): readonly CallContext[] {
  const last = pending.findLastIndex(({ context }) => context?.traceparent)
  return pending.slice(0, last + 1).map(({ context }) => context ?? NO_CONTEXT)
}
