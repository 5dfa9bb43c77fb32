import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { type record, wal } from '@fractal-lba/proto'
import { credentials, status } from '@grpc/grpc-js'
import { onTestFinished } from 'vitest'
import { unary } from '../../src/unary.js'
import { acceptedMark, bodyOf, type WalAccount } from './wal-account.js'

export interface WalLoadOptions {
  readonly concurrency?: number
  /** Bodies have any length up to this; 2,000 unless told otherwise. */
  readonly bodyBytesMax?: number
  /** The share of submissions that are marked; the others stay open. 0.7 unless told otherwise. */
  readonly markedShare?: number
}

export const BODY_BYTES_MAX = 2_000
const RETRY_PAUSE_MS = 20
const POLL_MS = 5

/** Callers of one log: each appends, marks what it was told is durable, and appends again. */
export class WalLoad {
  /** Calls that were told to come again, and calls that broke: with the connection, or by the log's failure. */
  readonly met = { refused: 0, broken: 0 }
  /** Answers that no fault may bring. */
  readonly oddities: string[] = []
  readonly #client: wal.WalServiceClient
  readonly #account: WalAccount
  readonly #options: Required<WalLoadOptions>
  readonly #label = randomUUID().slice(0, 8)
  readonly #callers: Promise<void>[]
  #made = 0
  #stopping = false

  constructor(address: string, account: WalAccount, options: WalLoadOptions = {}) {
    this.#client = new wal.WalServiceClient(address, credentials.createInsecure())
    this.#account = account
    this.#options = { concurrency: 16, bodyBytesMax: BODY_BYTES_MAX, markedShare: 0.7, ...options }
    this.#callers = Array.from({ length: this.#options.concurrency }, () => this.#call())
    onTestFinished(() => this.stop())
  }

  /** Resolves when so many more appends are acknowledged. @throws Error after the limit. */
  async more(count: number, limitMs = 30_000): Promise<void> {
    const goal = this.#account.appended.size + count
    const endMs = performance.now() + limitMs
    while (this.#account.appended.size < goal) {
      if (performance.now() > endMs) {
        const got = `${this.#account.appended.size} of ${goal}`
        throw new Error(`${got} appended after ${limitMs} ms; met ${JSON.stringify(this.met)}`)
      }
      await sleep(POLL_MS)
    }
  }

  /** Nothing more is sent; resolves when what was sent is answered or broken. */
  async stop(): Promise<void> {
    this.#stopping = true
    await Promise.all(this.#callers)
    this.#client.close()
  }

  async #call(): Promise<void> {
    while (!this.#stopping) {
      this.#made += 1
      const name = `${this.#label}-${this.#made}`
      this.#account.sent.add(name)
      const position = await this.#try(() => this.#append(name))
      if (!position) continue
      this.#account.appended.set(position.sequence, name)
      if (Math.random() >= this.#options.markedShare) continue
      const mark = acceptedMark(position.sequence, name, position.logId)
      this.#account.noteSentMark(mark.sequence, mark)
      const marked = await this.#try(() => this.#mark(position.logId, mark))
      if (marked) this.#account.marked.set(mark.sequence, mark)
    }
  }

  async #append(name: string): Promise<record.Position | undefined> {
    const body = bodyOf(name, this.#options.bodyBytesMax)
    const item = { body, encoding: 1, liveMs: 0, arrivedAtMs: 0 }
    const { position } = await unary(this.#client.append.bind(this.#client), { item })
    return position
  }

  async #mark(logId: string, mark: wal.Mark): Promise<record.Position | undefined> {
    const item = { logId, mark }
    const { position } = await unary(this.#client.markDone.bind(this.#client), { item })
    return position
  }

  /** Undefined when there was no acknowledgement; then a moment's pause. */
  async #try<T>(call: () => Promise<T>): Promise<T | undefined> {
    try {
      return await call()
    } catch (error) {
      this.#note(error)
      if (!this.#stopping) await sleep(RETRY_PAUSE_MS)
      return undefined
    }
  }

  #note(error: unknown): void {
    const { code, retryAfter, text } = failureOf(error)
    if (code === status.UNAVAILABLE && retryAfter) this.met.refused += 1
    else if (code === status.UNAVAILABLE || code === status.CANCELLED) this.met.broken += 1
    else this.oddities.push(text)
  }
}

interface Failure {
  readonly code: unknown
  /** The process itself answered, and said when to come again. */
  readonly retryAfter: boolean
  readonly text: string
}

function failureOf(error: unknown): Failure {
  if (!(error instanceof Error) || !('code' in error)) {
    return { code: undefined, retryAfter: false, text: String(error) }
  }
  const metadata = 'metadata' in error ? error.metadata : undefined
  const retryAfter =
    typeof metadata === 'object' &&
    metadata !== null &&
    'get' in metadata &&
    typeof metadata.get === 'function' &&
    metadata.get('grpc-status-details-bin').length > 0
  return { code: error.code, retryAfter, text: error.message }
}
