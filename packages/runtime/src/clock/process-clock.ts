import { randomUUID } from 'node:crypto'
import {
  type Clock,
  type ClockJudgement,
  type ClockReading,
  type ClockView,
  hostIdOf,
  judgeClock,
  type LogTime,
  monotonicMs,
  PeerClocks,
  TrustedClock,
} from '@fractal-lba/clock'
import { AppError } from '../errors.js'

/** What everything asks that expires, in place of a clock. Milliseconds since 1970. */
export interface ExpiryClock {
  /** What expires at this moment or before has expired. It stands still while the clock is not trusted. */
  readonly expiredMs: Clock
  /** From here new expiries are counted. While the clock is not trusted, the latest of all clocks that are known. */
  readonly latestMs: Clock
  /** By this a server is told how long to keep something: the earliest, as above. */
  readonly earliestMs: Clock
  /** The clocks of the logs by log_id, each the same for all processes that see it. Its own, by '', before one is known. */
  readonly logClocksMs: () => ReadonlyMap<string, number>
  /** Goes on with the time, whatever is set or confirmed. */
  readonly monotonicMs: Clock
}

/** What a call needs to tell a clock to its other end, and to note the other's. */
export interface ClockExchange {
  reading(): ClockReading
  /** @param sentMs @param receivedMs monotonic; the same where the way of the call was not seen */
  notePeer(reading: ClockReading, sentMs: number, receivedMs: number): void
}

/** What a log says of its clock. */
export interface LogReading {
  readonly logId: string
  readonly nowMs: number
  readonly unconfirmed: boolean
}

export interface ProcessClockOptions {
  /** CLOCK_OFFSET_MAX */
  readonly limitMs: number
  /** Name of the service, told to peers. */
  readonly service?: string
  readonly wall?: Clock
  readonly monotonic?: Clock
  readonly hostId?: string
}

/**
 * The clock of one process: the wall clock as it was at the start, carried on by the monotonic one, and what is known
 * against it.
 */
export class ProcessClock implements ExpiryClock, ClockExchange {
  /** How far clocks may be apart before one of them counts as wrong. */
  readonly limitMs: number
  readonly #wall: Clock
  readonly #monotonic: Clock
  readonly #hostId: string
  readonly #service: string
  readonly #processId = randomUUID()
  readonly #peers = new PeerClocks()
  readonly #logs = new Map<string, LogTime & { readonly logId: string }>()
  #clock: TrustedClock
  #awaitsLog = false
  #judgement: ClockJudgement
  /** How far things have expired; it never goes back but with a confirmed clock. */
  #expiredMs = 0

  constructor({
    limitMs,
    service = '',
    wall = Date.now,
    monotonic = monotonicMs,
    hostId = hostIdOf(),
  }: ProcessClockOptions) {
    this.limitMs = limitMs
    this.#wall = wall
    this.#monotonic = monotonic
    this.#hostId = hostId
    this.#service = service
    this.#clock = new TrustedClock(wall, monotonic)
    this.#judgement = this.judge()
  }

  /** Whole milliseconds, as stamps and messages have them. Does not follow a wall clock that jumps. */
  readonly nowMs: Clock = () => Math.floor(this.#clock.nowMs())

  readonly expiredMs: Clock = () => {
    if (this.isTrusted) this.#expiredMs = Math.max(this.#expiredMs, this.nowMs())
    return this.#expiredMs
  }

  readonly latestMs: Clock = () => this.nowMs() + (this.isTrusted ? 0 : Math.max(0, ...this.#othersAheadMs()))

  readonly earliestMs: Clock = () =>
    this.nowMs() + (this.isTrusted ? 0 : Math.min(0, ...this.#othersAheadMs()))

  readonly logClocksMs = (): ReadonlyMap<string, number> => {
    const ownMs = this.nowMs()
    if (this.#logs.size === 0) return new Map([['', ownMs]])
    return new Map([...this.#logs.values()].map(({ logId, aheadMs }) => [logId, ownMs + aheadMs]))
  }

  readonly monotonicMs: Clock = () => this.#monotonic()

  /** How far the wall clock has jumped ahead since this process took its time from it. */
  get jumpMs(): number {
    return this.#clock.jumpMs()
  }

  get isTrusted(): boolean {
    return this.#judgement.state === 'trusted'
  }

  get judgement(): ClockJudgement {
    return this.#judgement
  }

  reading(): ClockReading {
    return {
      nowMs: this.nowMs(),
      hostId: this.#hostId,
      processId: this.#processId,
      service: this.#service,
    }
  }

  notePeer(reading: ClockReading, sentMs: number, receivedMs: number): void {
    if (reading.processId === this.#processId) return
    this.#peers.note(reading, this.#at((sentMs + receivedMs) / 2), this.#monotonic())
    this.judge()
  }

  /** Until a log has told its time, nothing expires here. */
  awaitLog(): void {
    this.#awaitsLog = true
    this.judge()
  }

  /** @param name of its place @param nowMs its clock, at the middle of the call; @param sentMs @param receivedMs monotonic */
  noteLog(name: string, { logId, nowMs, unconfirmed }: LogReading, sentMs: number, receivedMs: number): void {
    this.#logs.set(name, { logId, aheadMs: nowMs - this.#at((sentMs + receivedMs) / 2), unconfirmed })
    this.#awaitsLog = false
    this.judge()
  }

  /**
   * Takes the time from the wall clock again, as at the start: an operator says that it is right.
   * @param operatorMs the operator's own clock @throws AppError superseded when that is another time
   */
  confirm(operatorMs: number): void {
    const wallMs = this.#wall()
    if (Math.abs(wallMs - operatorMs) > this.limitMs) {
      const [here, there] = [wallMs, operatorMs].map((ms) => new Date(Math.min(ms, 8.64e15)).toISOString())
      throw new AppError(
        'superseded',
        `the clock here says ${here}, that of the operator ${there}: set the wrong one right first`,
      )
    }
    const jumpMs = this.jumpMs
    this.#clock = new TrustedClock(this.#wall, this.#monotonic)
    this.#peers.shift(jumpMs)
    for (const [name, log] of this.#logs) this.#logs.set(name, { ...log, aheadMs: log.aheadMs - jumpMs })
    this.#expiredMs = Math.min(this.#expiredMs, this.nowMs())
    this.judge()
  }

  /** Looks again; the wall clock may have jumped meanwhile. */
  judge(): ClockJudgement {
    this.#judgement = judgeClock(this.#view())
    return this.#judgement
  }

  #view(): ClockView {
    return {
      limitMs: this.limitMs,
      hostId: this.#hostId,
      jumpMs: this.jumpMs,
      peers: this.#peers.list,
      logs: [...this.#logs.values()],
      awaitsLog: this.#awaitsLog,
    }
  }

  #othersAheadMs(): number[] {
    return [...this.#peers.list, ...this.#logs.values()].map(({ aheadMs }) => aheadMs)
  }

  /** This clock at a monotonic time. */
  #at(atMs: number): number {
    return this.nowMs() - (this.#monotonic() - atMs)
  }
}

/** For tests, and where nothing contradicts a clock: all of it by one clock. */
export function trusting(now: Clock): ExpiryClock {
  return {
    expiredMs: now,
    latestMs: now,
    earliestMs: now,
    logClocksMs: () => new Map([['', now()]]),
    monotonicMs: now,
  }
}
