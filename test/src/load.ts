import { setTimeout as sleep } from 'node:timers/promises'
import { onTestFinished } from 'vitest'
import type { Answer, Client } from './client.js'
import { type RecordMaker, type TestRecord, textOf } from './records.js'

/** An answer that was given: from then on it must not change. */
export interface Acknowledged {
  readonly record: TestRecord
  readonly status: number
  readonly body: Buffer
}

export interface LoadOptions {
  readonly concurrency: number
  /** What is sent; a valid record unless told otherwise. */
  readonly next?: () => TestRecord
  /** How long one record is sent again and again before that is an oddity. */
  readonly patienceMs?: number
  /** Called with each 503. */
  readonly onUnavailable?: (answer: Answer) => void
}

const RETRY_PAUSE_MS = 25
const PATIENCE_MS = 30_000

/**
 * Agents that send one record after the other and try again until each is acknowledged, as honest ones do: after a
 * 503 and after a broken connection. Anything else is noted as an oddity.
 */
export class Load {
  readonly acknowledged: Acknowledged[] = []
  readonly oddities: string[] = []
  /** How often an agent met a 503, and a broken connection. */
  readonly met = { unavailable: 0, broken: 0 }
  readonly #client: Client
  readonly #next: () => TestRecord
  readonly #patienceMs: number
  readonly #onUnavailable: (answer: Answer) => void
  readonly #agents: Promise<void>[]
  #stopping = false
  #givingUp = false
  /** Sent, perhaps more than once, and not yet acknowledged. */
  readonly #underWay = new Set<TestRecord>()

  constructor(
    client: Client,
    records: RecordMaker,
    { concurrency, next = () => records.next(), patienceMs = PATIENCE_MS, onUnavailable }: LoadOptions,
  ) {
    this.#client = client
    this.#onUnavailable = onUnavailable ?? (() => undefined)
    this.#next = next
    this.#patienceMs = patienceMs
    this.#agents = Array.from({ length: concurrency }, () => this.#agent())
    onTestFinished(() => this.giveUp())
  }

  /** Records that were sent and whose answer never came. */
  get unanswered(): readonly TestRecord[] {
    return [...this.#underWay]
  }

  /** Resolves when so many more are acknowledged. */
  async more(count: number, limitMs = 30_000): Promise<void> {
    const goal = this.acknowledged.length + count
    const endMs = performance.now() + limitMs
    while (this.acknowledged.length < goal) {
      if (performance.now() > endMs) {
        throw new Error(
          `${this.acknowledged.length} of ${goal} after ${limitMs} ms; met ${JSON.stringify(this.met)}`,
        )
      }
      await sleep(10)
    }
  }

  /** No new records; resolves when each that is under way is acknowledged. */
  async finish(): Promise<void> {
    this.#stopping = true
    await Promise.all(this.#agents)
  }

  /** Nothing is tried again. */
  async giveUp(): Promise<void> {
    this.#givingUp = true
    await this.finish()
  }

  async #agent(): Promise<void> {
    while (!this.#stopping) {
      const record = this.#next()
      this.#underWay.add(record)
      await this.#deliver(record)
    }
  }

  async #deliver(record: TestRecord): Promise<void> {
    const endMs = performance.now() + this.#patienceMs
    for (let attempt = 1; !this.#givingUp; attempt++) {
      if (performance.now() > endMs) {
        this.oddities.push(`${record.shard_id} was not acknowledged in ${this.#patienceMs} ms`)
        return
      }
      const answer = await this.#trySubmit({ ...record, attempt })
      if (answer && (answer.status === 200 || answer.status === 202)) {
        this.#underWay.delete(record)
        this.acknowledged.push({ record, status: answer.status, body: answer.body })
        return
      }
      if (answer && answer.status !== 503) {
        this.oddities.push(`${answer.status} ${answer.body.toString('utf8', 0, 300)}`)
        return
      }
      if (answer && !/^\d+$/.test(answer.headers['retry-after'] ?? '')) {
        this.oddities.push('503 without Retry-After')
        return
      }
      if (answer) {
        this.met.unavailable += 1
        this.#onUnavailable(answer)
      } else this.met.broken += 1
      await sleep(RETRY_PAUSE_MS)
    }
  }

  async #trySubmit(record: TestRecord): Promise<Answer | undefined> {
    try {
      return await this.#client.submit(textOf(record))
    } catch {
      // Refused, reset or cut: to an agent all of it is a broken connection.
      return undefined
    }
  }
}

/** The answer that comes when the system is not too busy for one: whatever it is, but no 503. */
export async function answered(ask: () => Promise<Answer>): Promise<Answer> {
  const endMs = performance.now() + PATIENCE_MS
  for (;;) {
    const answer = await ask()
    if (answer.status !== 503 || performance.now() > endMs) return answer
    await sleep(RETRY_PAUSE_MS)
  }
}

/**
 * Sends each acknowledged record again.
 * @returns what does not agree with what was acknowledged; empty when all does.
 */
export async function disagreements(
  client: Client,
  acknowledged: readonly Acknowledged[],
): Promise<string[]> {
  const found: string[] = []
  await inParallel(acknowledged, async ({ record, status, body }) => {
    const again = await answered(() => client.submit(textOf({ ...record, attempt: 99 })))
    if (
      again.status !== status ||
      again.headers['idempotent-replayed'] !== 'true' ||
      !again.body.equals(body)
    ) {
      found.push(`${record.shard_id}: ${status} ${body} became ${again.status} ${again.body}`)
    }
  })
  return found
}

/** With as many at once as a client has connections. */
export async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values()
  const worker = async (): Promise<void> => {
    for (const item of rest) await work(item)
  }
  await Promise.all(Array.from({ length: 64 }, worker))
}
