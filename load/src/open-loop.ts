import { Connection } from './connection.js'
import type { LoadResult, LoadTarget } from './http-client.js'
import { Latencies } from './latencies.js'
import type { Answer } from './response-parser.js'

export interface OpenLoopRun {
  readonly next: () => Buffer | undefined
  /** Constant arrivals; each answer's latency counts from its arrival, however late it could be sent. */
  readonly perSecond: number
  readonly durationMs: number
  readonly latencies?: Latencies
}

const TICK_MS = 1
const SWEEP_MS = 100
/** More than this many seconds of arrivals without a free connection: the server is not able to keep up. */
const WAITING_SECONDS_MAX = 5
const READ_BUFFER_BYTES = 64 * 2 ** 10

/** Sends at a constant rate whatever the answers do, over keep-alive connections with one request each. */
export class OpenLoop {
  readonly #connections: readonly Connection[]
  #free: Connection[] = []
  #run: ArrivalRun | undefined

  private constructor(target: LoadTarget) {
    const readBuffer = Buffer.allocUnsafe(READ_BUFFER_BYTES)
    this.#connections = Array.from(
      { length: target.connections },
      () =>
        new Connection(target, readBuffer, {
          onAnswer: (connection, answer, latencyMs, nowMs) => {
            this.#run?.onAnswer(answer, latencyMs, nowMs)
            if (connection.isOpen) this.#free.push(connection)
            this.#sendDue(nowMs)
          },
          onLost: (_, why) => this.#run?.onLost(why),
        }),
    )
  }

  /** @throws Error when the host is not this machine's loopback, or a connection cannot be opened. */
  static async open(target: LoadTarget): Promise<OpenLoop> {
    if (target.host !== '127.0.0.1' && target.host !== '::1') {
      throw new Error(`load is only ever sent to 127.0.0.1 or ::1, not to ${target.host}`)
    }
    const loop = new OpenLoop(target)
    try {
      await Promise.all(loop.#connections.map((connection) => connection.open()))
    } catch (error) {
      loop.close()
      throw error
    }
    return loop
  }

  /** One run at a time; resolves when everything that was due has been answered or lost. */
  async run(options: OpenLoopRun): Promise<LoadResult> {
    if (this.#run) throw new Error('one run at a time')
    this.#free = this.#connections.filter((connection) => connection.isOpen)
    const run = new ArrivalRun(options)
    this.#run = run
    const ticker = setInterval(() => this.#sendDue(performance.now()), TICK_MS)
    const sweeper = setInterval(() => {
      for (const connection of this.#connections) connection.giveUpIfLate(performance.now())
    }, SWEEP_MS)
    await run.done
    clearInterval(ticker)
    clearInterval(sweeper)
    this.#run = undefined
    return run.result()
  }

  close(): void {
    this.#run?.end()
    for (const connection of this.#connections) connection.close()
  }

  #sendDue(nowMs: number): void {
    const run = this.#run
    if (!run) return
    for (;;) {
      while (this.#free.at(-1)?.isOpen === false) this.#free.pop()
      const connection = this.#free.at(-1)
      const arrivalMs = connection ? run.takeArrival(nowMs) : undefined
      if (!connection || arrivalMs === undefined) break
      const request = run.next()
      if (!request) break
      this.#free.pop()
      connection.send(request, arrivalMs)
    }
    run.endIfDone(nowMs)
  }
}

class ArrivalRun {
  readonly done: Promise<void>
  end: () => void = () => {}
  readonly #options: OpenLoopRun
  readonly #latencies: Latencies
  readonly #answersByStatus = new Map<number, number>()
  readonly #refusals = new Map<number, string>()
  readonly #failures = new Map<string, number>()
  readonly #startMs = performance.now()
  readonly #arrivals: number
  #taken = 0
  #underWay = 0
  #lastAnswerMs = this.#startMs

  constructor(options: OpenLoopRun) {
    this.#options = options
    this.#latencies = options.latencies ?? new Latencies()
    this.#arrivals = Math.floor((options.durationMs * options.perSecond) / 1000)
    this.done = new Promise((resolve) => {
      this.end = resolve
    })
  }

  /** Of the earliest request that is due and not sent; undefined when none is due. */
  takeArrival(nowMs: number): number | undefined {
    const arrivalMs = this.#startMs + (this.#taken * 1000) / this.#options.perSecond
    if (this.#taken >= this.#arrivals || arrivalMs > nowMs) return undefined
    this.#taken += 1
    return arrivalMs
  }

  next(): Buffer | undefined {
    const request = this.#options.next()
    if (request) this.#underWay += 1
    else this.#fail('there are no more requests')
    return request
  }

  onAnswer({ status, refusal, lines }: Answer, latencyMs: number, nowMs: number): void {
    this.#underWay -= 1
    this.#lastAnswerMs = nowMs
    this.#latencies.add(latencyMs)
    for (const [answered, count] of lines ?? [[status, 1]]) {
      this.#answersByStatus.set(answered, (this.#answersByStatus.get(answered) ?? 0) + count)
    }
    if (refusal !== undefined && !this.#refusals.has(status)) this.#refusals.set(status, refusal)
  }

  onLost(why: string): void {
    this.#underWay -= 1
    this.#fail(why)
  }

  endIfDone(nowMs: number): void {
    const lateSeconds = (nowMs - this.#startMs) / 1000 - this.#taken / this.#options.perSecond
    if (this.#taken < this.#arrivals && lateSeconds > WAITING_SECONDS_MAX) {
      this.#fail('no free connection in time')
      this.end()
    }
    if (this.#taken >= this.#arrivals && this.#underWay === 0) this.end()
  }

  result(): LoadResult {
    const answers = [...this.#answersByStatus.values()].reduce((sum, count) => sum + count, 0)
    return {
      elapsedMs: this.#lastAnswerMs - this.#startMs,
      answers,
      answersByStatus: this.#answersByStatus,
      refusals: this.#refusals,
      latencies: this.#latencies,
      failures: this.#failures,
    }
  }

  #fail(why: string): void {
    this.#failures.set(why, (this.#failures.get(why) ?? 0) + 1)
  }
}
