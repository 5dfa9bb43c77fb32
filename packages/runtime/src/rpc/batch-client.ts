import type { ClientDuplexStream, ServiceError } from '@grpc/grpc-js'
import { fromServiceError, unavailable } from '../errors.js'

/** What goes to a service: items under the number of their batch. */
interface BatchOf<Item> {
  batch: number
  items: Item[]
  /** The trace of each item, or none at all. */
  contexts: CallContext[]
}

/** W3C Trace Context of one item. */
interface CallContext {
  traceparent: string
  tracestate: string
}

/** What comes back under that number: a result for each item, in their order. */
interface ResultsOf<Result> {
  batch: number
  results: Result[]
}

export interface BatchClientOptions<Item, Result, Answer> {
  /** Names the service in errors: "wal". */
  readonly service: string
  readonly open: () => ClientDuplexStream<BatchOf<Item>, ResultsOf<Result>>
  /** What the caller gets of a result; what it throws, the caller gets as its error. */
  readonly answer: (result: Result) => Answer
  /** Size of an item on the wire, bytes, roughly; a batch stays below batchBytesMax unless one item is larger. */
  readonly sizeBytes: (item: Item) => number
  readonly limits: BatchLimits
}

export interface BatchLimits {
  /** Batches in flight at once, each on a stream of its own. */
  readonly lanes: number
  readonly batchItemsMax: number
  readonly batchBytesMax: number
  /** Items that may wait for a place in a batch; one more is refused at once. */
  readonly queueItemsMax: number
  /** From the call to the answer; then the item fails, and a stream that owes it is given up. */
  readonly timeoutMs: number
}

const SWEEP_EVERY_MS = 50

interface Pending<Item, Answer> {
  readonly item: Item
  /** On the monotonic clock. */
  readonly deadlineMs: number
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: unknown) => void
}

/**
 * The client's end of streams of batches. Batching is natural: what is asked while batches are under way goes
 * into the next one; nothing waits for company. The only timer is the one that ends what is too late.
 */
export class BatchClient<Item, Result, Answer> {
  readonly #options: BatchClientOptions<Item, Result, Answer>
  readonly #lanes: Lane<Item, Result, Answer>[]
  #queue: Pending<Item, Answer>[] = []
  #pumpScheduled = false
  #sweeper: NodeJS.Timeout | undefined

  constructor(options: BatchClientOptions<Item, Result, Answer>) {
    this.#options = options
    this.#lanes = Array.from({ length: options.limits.lanes }, () => {
      return new Lane(options, {
        free: () => this.#pump(),
        unreachable: (error) => this.#failQueue(error),
      })
    })
  }

  /**
   * @param deadlineMs on the monotonic clock: where the whole that this call is a part of ends earlier.
   * @throws AppError unavailable: the queue is full, the service is not there, or it answered too late.
   */
  call(item: Item, deadlineMs = Number.POSITIVE_INFINITY): Promise<Answer> {
    const { service, limits } = this.#options
    if (this.#queue.length >= limits.queueItemsMax) {
      return Promise.reject(unavailable(`${service} has more work waiting than it may have`))
    }
    return new Promise((resolve, reject) => {
      const hopDeadlineMs = performance.now() + limits.timeoutMs
      this.#queue.push({ item, deadlineMs: Math.min(hopDeadlineMs, deadlineMs), resolve, reject })
      // One turn of the event loop gathers what arrived together; a lone item does not notice it.
      if (!this.#pumpScheduled) {
        this.#pumpScheduled = true
        setImmediate(() => {
          this.#pumpScheduled = false
          this.#pump()
        })
      }
      // Where this process itself was late, the answer may be here already, and is read before the immediate.
      this.#sweeper ??= setInterval(() => setImmediate(() => this.#sweep()), SWEEP_EVERY_MS)
    })
  }

  close(): void {
    clearInterval(this.#sweeper)
    this.#failQueue(unavailable(`${this.#options.service}: the client is closed`))
    for (const lane of this.#lanes) lane.close()
  }

  #pump(): void {
    for (const lane of this.#lanes) {
      if (this.#queue.length === 0) return
      if (!lane.busy) lane.send(this.#takeBatch())
    }
  }

  #takeBatch(): Pending<Item, Answer>[] {
    const { limits, sizeBytes } = this.#options
    let count = 0
    let bytes = 0
    for (const { item } of this.#queue) {
      bytes += sizeBytes(item)
      if (count === limits.batchItemsMax || (count > 0 && bytes > limits.batchBytesMax)) break
      count += 1
    }
    if (count === this.#queue.length) {
      const all = this.#queue
      this.#queue = []
      return all
    }
    return this.#queue.splice(0, count)
  }

  #failQueue(error: Error): void {
    const queue = this.#queue
    this.#queue = []
    for (const { reject } of queue) reject(error)
  }

  #sweep(): void {
    const nowMs = performance.now()
    const late = unavailable(`${this.#options.service} did not answer in time`)
    if (this.#queue.some(({ deadlineMs }) => deadlineMs <= nowMs)) {
      const queue = this.#queue
      this.#queue = queue.filter(({ deadlineMs }) => deadlineMs > nowMs)
      for (const { deadlineMs, reject } of queue) if (deadlineMs <= nowMs) reject(late)
    }
    for (const lane of this.#lanes) lane.giveUpIfLate(nowMs, late)
    if (this.#queue.length === 0 && this.#lanes.every((lane) => !lane.busy)) {
      clearInterval(this.#sweeper)
      this.#sweeper = undefined
    }
  }
}

interface LaneEvents {
  readonly free: () => void
  /** A stream that was opened anew did not come up either: nothing behind it answers. */
  readonly unreachable: (error: Error) => void
}

/** One stream with at most one batch in flight; opened when it is needed. */
class Lane<Item, Result, Answer> {
  readonly #options: BatchClientOptions<Item, Result, Answer>
  readonly #events: LaneEvents
  #stream: ClientDuplexStream<BatchOf<Item>, ResultsOf<Result>> | undefined
  #answered = false
  #batch = 0
  #sentAtMs = 0
  #inFlight: Pending<Item, Answer>[] | undefined

  constructor(options: BatchClientOptions<Item, Result, Answer>, events: LaneEvents) {
    this.#options = options
    this.#events = events
  }

  get busy(): boolean {
    return this.#inFlight !== undefined
  }

  send(pending: Pending<Item, Answer>[]): void {
    this.#stream ??= this.#open()
    this.#batch = (this.#batch + 1) >>> 0
    this.#inFlight = pending
    this.#sentAtMs = performance.now()
    this.#stream.write({ batch: this.#batch, items: pending.map(({ item }) => item), contexts: [] })
  }

  /** An item fails at its own deadline; the stream is given up when it owes an answer for a whole timeout. */
  giveUpIfLate(nowMs: number, error: Error): void {
    if (!this.#inFlight) return
    for (const { deadlineMs, reject } of this.#inFlight) if (deadlineMs <= nowMs) reject(error)
    if (nowMs - this.#sentAtMs < this.#options.limits.timeoutMs) return
    this.#giveUp(error)
    this.#events.free()
  }

  close(): void {
    this.#giveUp(unavailable(`${this.#options.service}: the client is closed`))
  }

  #open(): ClientDuplexStream<BatchOf<Item>, ResultsOf<Result>> {
    const stream = this.#options.open()
    this.#answered = false
    // A stream that was given up may still speak; only the current one is listened to.
    stream.on('data', (response: ResultsOf<Result>) => {
      if (stream === this.#stream) this.#onAnswer(response)
    })
    stream.on('error', (error: ServiceError) => {
      if (stream === this.#stream) this.#onBroken(fromServiceError(error))
    })
    stream.on('end', () => {
      if (stream === this.#stream) this.#onBroken(unavailable(`${this.#options.service} closed the stream`))
    })
    return stream
  }

  #onAnswer({ batch, results }: ResultsOf<Result>): void {
    const inFlight = this.#inFlight
    if (!inFlight || batch !== this.#batch || results.length !== inFlight.length) {
      this.#giveUp(unavailable(`${this.#options.service} answered what was not asked`))
      return
    }
    this.#answered = true
    this.#inFlight = undefined
    this.#events.free()
    const { answer } = this.#options
    for (const [index, { resolve, reject }] of inFlight.entries()) {
      try {
        resolve(answer(results[index] as Result))
      } catch (error) {
        reject(error)
      }
    }
  }

  #onBroken(error: Error): void {
    const cameUp = this.#answered
    this.#giveUp(unavailable(`${this.#options.service} is not reachable`, error))
    if (cameUp) this.#events.free()
    else this.#events.unreachable(unavailable(`${this.#options.service} is not reachable`, error))
  }

  #giveUp(error: Error): void {
    const inFlight = this.#inFlight
    const stream = this.#stream
    this.#inFlight = undefined
    this.#stream = undefined
    stream?.cancel()
    for (const { reject } of inFlight ?? []) reject(error)
  }
}
