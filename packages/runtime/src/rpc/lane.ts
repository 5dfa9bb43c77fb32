import { monotonicMs } from '@fractal-lba/clock'
import { type AppError, unavailable } from '../errors.js'
import type { MethodDefinition } from './method.js'
import type { BatchRequest, BatchResponse, BatchStream, Channel, Endpoint } from './transport.js'

const BACKOFF_FIRST_MS = 100
const BACKOFF_MOST_MS = 250
/** An answer that is too late is heard for so long, and of so many batches of a lane. */
const LATE_MS_MAX = 30_000
const LATE_BATCHES_MAX = 16
const ENDED = unavailable('the server has ended the stream')

export interface LaneParts {
  readonly method: MethodDefinition
  readonly open: (endpoint: Endpoint) => Channel
  readonly timeoutMs: number
  readonly ageMs: number
}

export interface LaneEvents {
  /** It may take a batch: look what can be done now. */
  changed(lane: Lane): void
  /** It could not be opened; it is tried again after a while. */
  failed(lane: Lane): void
  answered(lane: Lane, response: BatchResponse): void
  /** The batch in flight will not be answered. @param untaken the server has not begun it */
  lost(lane: Lane, error: AppError, untaken: boolean): void
  /** The server asks to be left. */
  drained(): void
}

interface Link {
  readonly channel: Channel
  readonly stream: BatchStream
  /** Of one whose batch was given up: takes its answer nevertheless. */
  onLate?: (response: BatchResponse) => void
}

/**
 * A channel of its own with one stream and at most one batch in flight. It is opened before it takes a batch, and
 * opened anew between batches: at its age, and when the server drains. Until the new one is up, the old one serves.
 */
export class Lane {
  readonly endpoint: Endpoint
  readonly #parts: LaneParts
  readonly #events: LaneEvents
  #link: Link | undefined
  /** Opened while a batch is in flight on the old one. */
  #next: Link | undefined
  /** Their batches were given up, and may be answered yet; the oldest first. */
  readonly #late = new Map<Link, NodeJS.Timeout>()
  #isOpening = false
  #isBusy = false
  #isClosing = false
  #isClosed = false
  /** What it is being opened with holds no more. */
  #isOutOfDate = false
  #hasAnswered = false
  #failures = 0
  /** Monotonic; before that nothing is opened. */
  #retryAtMs = 0
  #retry: NodeJS.Timeout | undefined
  /** Monotonic: when it was opened last, whatever came of it. */
  #triedMs = Number.NEGATIVE_INFINITY
  #reopenAtMs = 0

  constructor(endpoint: Endpoint, parts: LaneParts, events: LaneEvents) {
    this.endpoint = endpoint
    this.#parts = parts
    this.#events = events
  }

  get isBusy(): boolean {
    return this.#isBusy
  }

  get triedMs(): number {
    return this.#triedMs
  }

  /** It can take a batch now. */
  get isFree(): boolean {
    return this.#link !== undefined && !this.#isBusy && !this.#isClosing
  }

  /** It can take a batch now or soon. */
  get isUsable(): boolean {
    return !this.#isClosing && (this.#link !== undefined || this.#isOpening)
  }

  /** Opens it where it is not open, or too old. */
  keepOpen(nowMs: number): void {
    if (this.#isOpening || this.#isClosing || nowMs < this.#retryAtMs) return
    if (this.#link === undefined || (nowMs >= this.#reopenAtMs && this.#next === undefined)) this.#open(nowMs)
  }

  /** Opens it anew between batches, because what it was opened with holds no more; also while nobody asks for anything. */
  reopen(): void {
    this.#isOutOfDate = this.#isOpening
    this.#reopenAtMs = 0
    if (this.#next) this.#drop(this.#next)
    this.#next = undefined
    if (!this.#link) return
    this.keepOpen(monotonicMs())
    if (!this.#isOpening) this.#retryLater()
  }

  send(request: BatchRequest): void {
    this.#isBusy = true
    this.#link?.stream.send(request)
  }

  /**
   * Gives up what is in flight; the caller knows about it.
   * @param onLate takes the answer if it comes nevertheless, for a while
   */
  giveUp(onLate?: (response: BatchResponse) => void): void {
    this.#isBusy = false
    if (onLate && this.#link) this.#listenOn(this.#link, onLate)
    this.#advance()
  }

  /** Closes it when its batch is back. */
  retire(): void {
    this.#isClosing = true
    if (!this.#isBusy) this.close()
  }

  close(): void {
    this.#isClosing = true
    this.#isClosed = true
    clearTimeout(this.#retry)
    this.#advance()
    this.#advance()
    for (const link of this.#late.keys()) this.#drop(link)
  }

  #open(nowMs: number): void {
    this.#isOpening = true
    this.#triedMs = nowMs
    const channel = this.#parts.open(this.endpoint)
    channel.ready(nowMs + this.#parts.timeoutMs).then(
      () => this.#opened(channel),
      () => {
        channel.close()
        this.#isOpening = false
        this.#isOutOfDate = false
        this.#backOff()
        if (this.#isClosed) return
        if (this.#link) this.#retryLater()
        this.#events.failed(this)
      },
    )
  }

  /** One that still serves, when it may be tried again: of an idle one nobody else would think. */
  #retryLater(): void {
    clearTimeout(this.#retry)
    const waitMs = Math.max(0, this.#retryAtMs - monotonicMs())
    // A timer may be early by a part of a millisecond.
    this.#retry = setTimeout(() => this.keepOpen(Math.max(monotonicMs(), this.#retryAtMs)), waitMs)
    this.#retry.unref()
  }

  #opened(channel: Channel): void {
    this.#isOpening = false
    if (this.#isClosing) {
      channel.close()
      return
    }
    if (this.#isOutOfDate) {
      this.#isOutOfDate = false
      channel.close()
      this.#open(monotonicMs())
      return
    }
    const link: Link = { channel, stream: this.#stream(channel, () => link) }
    const nowMs = monotonicMs()
    this.#reopenAtMs = nowMs + this.#parts.ageMs * (1 + Math.random())
    channel.onLeave(() => {
      if (link !== this.#link) return
      this.#reopenAtMs = 0
      this.#events.drained()
      this.keepOpen(monotonicMs())
    })
    this.#hasAnswered = false
    this.#next = link
    if (!this.#isBusy) this.#advance()
    this.#events.changed(this)
  }

  #stream(channel: Channel, link: () => Link): BatchStream {
    return channel.batches(this.#parts.method, {
      response: (response) => this.#onResponse(link(), response),
      ended: () => this.#onOver(link(), undefined),
      broken: (error) => this.#onOver(link(), error),
    })
  }

  #onResponse(link: Link, response: BatchResponse): void {
    const { onLate } = link
    if (!onLate) {
      this.#events.answered(this, response)
      return
    }
    this.#drop(link)
    onLate(response)
  }

  #listenOn(link: Link, onLate: (response: BatchResponse) => void): void {
    link.onLate = onLate
    this.#late.set(
      link,
      setTimeout(() => this.#drop(link), LATE_MS_MAX),
    )
    const [oldest] = this.#late.keys()
    if (oldest && this.#late.size > LATE_BATCHES_MAX) this.#drop(oldest)
  }

  #drop(link: Link): void {
    clearTimeout(this.#late.get(link))
    this.#late.delete(link)
    link.stream.cancel()
    link.channel.close()
  }

  /** Its batch is back. */
  free(): void {
    this.#isBusy = false
    this.#hasAnswered = true
    this.#failures = 0
    if (this.#isClosing) this.close()
    else if (this.#next) this.#advance()
  }

  /** @param error undefined: the server has ended the stream in peace. */
  #onOver(link: Link, error: AppError | undefined): void {
    if (link !== this.#link) {
      if (link === this.#next) this.#next = undefined
      this.#drop(link)
      return
    }
    const wasBusy = this.#isBusy
    this.#isBusy = false
    // Who has answered may have been started anew; who never did is not tried again at once.
    if (error && !this.#hasAnswered) this.#backOff()
    this.#advance()
    if (!error) this.#events.drained()
    if (this.#isClosing) this.close()
    else this.keepOpen(monotonicMs())
    if (wasBusy) this.#events.lost(this, error ?? ENDED, error === undefined)
    else this.#events.changed(this)
  }

  /** The old one is let go of before it is closed: closing it tells its listener, which must not open another. */
  #advance(): void {
    const old = this.#link
    this.#link = this.#next
    this.#next = undefined
    if (old && !this.#late.has(old)) this.#drop(old)
  }

  #backOff(): void {
    const waitMs = Math.min(BACKOFF_FIRST_MS * 2 ** this.#failures, BACKOFF_MOST_MS)
    this.#failures += 1
    this.#retryAtMs = monotonicMs() + waitMs
  }
}
