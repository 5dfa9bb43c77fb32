import { setTimeout as sleep } from 'node:timers/promises'
import { Connection, reasonOf } from './connection.js'
import { Latencies } from './latencies.js'
import type { Answer } from './response-parser.js'

export interface LoadTarget {
  /** 127.0.0.1 or ::1: load goes nowhere else. */
  readonly host: string
  readonly port: number
  /** By TLS, the authority that the server must be signed by (PEM); plain without it. */
  readonly ca?: string | undefined
  readonly connections: number
}

export interface LoadRun {
  /** The next complete HTTP/1.1 request, or undefined when there are no more. */
  readonly next: () => Buffer | undefined
  /** Nothing is sent after this; what is under way is waited for. */
  readonly durationMs: number
  /** Where latencies are added as answers come; one of the run's own unless given. */
  readonly latencies?: Latencies
}

export interface LoadResult {
  /** From the first request to the last answer. */
  readonly elapsedMs: number
  readonly answers: number
  readonly answersByStatus: ReadonlyMap<number, number>
  /** What the first refusal (4xx, 5xx) of each status said. */
  readonly refusals: ReadonlyMap<number, string>
  readonly latencies: Latencies
  /** Requests that got no answer, by what happened to them. */
  readonly failures: ReadonlyMap<string, number>
}

const RECONNECT_PAUSE_MS = 50
const READ_BUFFER_BYTES = 64 * 2 ** 10

/**
 * A closed loop over keep-alive connections: each sends its next request when its previous answer is complete.
 * Raw sockets and one shared read buffer, because a general HTTP client would need more CPU than the product.
 */
export class LoadClient {
  readonly #connections: Connection[]
  #run: RunState | undefined
  #closed = false

  private constructor(target: LoadTarget) {
    const readBuffer = Buffer.allocUnsafe(READ_BUFFER_BYTES)
    this.#connections = Array.from({ length: target.connections }, () => {
      return new Connection(target, readBuffer, {
        onAnswer: (connection, answer, latencyMs, nowMs) =>
          this.#onAnswer(connection, answer, latencyMs, nowMs),
        onLost: (connection, why) => this.#onLost(connection, why),
      })
    })
  }

  /** Opens all connections. @throws Error when the host is not this machine's loopback, or one cannot be opened. */
  static async open(target: LoadTarget): Promise<LoadClient> {
    if (target.host !== '127.0.0.1' && target.host !== '::1') {
      throw new Error(`load is only ever sent to 127.0.0.1 or ::1, not to ${target.host}`)
    }
    const client = new LoadClient(target)
    try {
      await Promise.all(client.#connections.map((connection) => connection.open()))
    } catch (error) {
      client.close()
      throw error
    }
    return client
  }

  /** One run at a time. Connections stay open for the next one. */
  async run({ next, durationMs, latencies }: LoadRun): Promise<LoadResult> {
    if (this.#run || this.#closed) throw new Error('one run at a time, and none after close')
    const startedMs = performance.now()
    const run = new RunState(next, startedMs + durationMs, latencies ?? new Latencies())
    this.#run = run
    const sweeper = setInterval(() => this.#sweep(), 100)
    for (const connection of this.#connections) this.#sendNext(connection, run, startedMs)
    this.#endIfDone(run)
    await run.done
    clearInterval(sweeper)
    this.#run = undefined
    return {
      elapsedMs: Math.max(run.lastAnswerMs, startedMs) - startedMs,
      answers: run.latencies.count,
      answersByStatus: run.answersByStatus,
      latencies: run.latencies,
      refusals: run.refusals,
      failures: run.failures,
    }
  }

  /** Ends a run under way too: what it had sent gets no answer any more. */
  close(): void {
    this.#closed = true
    this.#run?.end()
    for (const connection of this.#connections) connection.close()
  }

  #sendNext(connection: Connection, run: RunState, nowMs: number): void {
    if (run.isOver || nowMs >= run.endMs) return
    if (!connection.isOpen) {
      void this.#reconnect(connection, run)
      return
    }
    const request = run.next()
    if (!request) {
      run.isOver = true
      return
    }
    run.underWay += 1
    connection.send(request, nowMs)
  }

  #onAnswer(connection: Connection, { status, refusal }: Answer, latencyMs: number, nowMs: number): void {
    const run = this.#run
    if (!run) return
    run.underWay -= 1
    run.lastAnswerMs = nowMs
    run.latencies.add(latencyMs)
    run.answersByStatus.set(status, (run.answersByStatus.get(status) ?? 0) + 1)
    if (refusal !== undefined && !run.refusals.has(status)) run.refusals.set(status, refusal)
    this.#sendNext(connection, run, nowMs)
    this.#endIfDone(run)
  }

  #onLost(connection: Connection, why: string): void {
    const run = this.#run
    if (!run) return
    run.underWay -= 1
    run.failures.set(why, (run.failures.get(why) ?? 0) + 1)
    this.#sendNext(connection, run, performance.now())
    this.#endIfDone(run)
  }

  async #reconnect(connection: Connection, run: RunState): Promise<void> {
    try {
      await sleep(RECONNECT_PAUSE_MS)
      if (this.#closed || this.#run !== run) return
      await connection.open()
    } catch (error) {
      const why = reasonOf(error)
      run.failures.set(why, (run.failures.get(why) ?? 0) + 1)
    }
    if (this.#run === run) this.#sendNext(connection, run, performance.now())
  }

  #sweep(): void {
    const nowMs = performance.now()
    for (const connection of this.#connections) connection.giveUpIfLate(nowMs)
    if (this.#run) this.#endIfDone(this.#run)
  }

  #endIfDone(run: RunState): void {
    if (run.underWay === 0 && (run.isOver || performance.now() >= run.endMs)) run.end()
  }
}

class RunState {
  readonly answersByStatus = new Map<number, number>()
  readonly refusals = new Map<number, string>()
  readonly failures = new Map<string, number>()
  readonly done: Promise<void>
  /** The source has no more requests. */
  isOver = false
  underWay = 0
  lastAnswerMs = 0
  end: () => void = () => {}

  constructor(
    readonly next: () => Buffer | undefined,
    readonly endMs: number,
    readonly latencies: Latencies,
  ) {
    this.done = new Promise((resolve) => {
      this.end = resolve
    })
  }
}
