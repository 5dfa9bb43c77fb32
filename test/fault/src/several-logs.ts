import { hmacKey } from '@fractal-lba/pcs'
import type { RedisServer } from '@fractal-lba/test-servers'
import { expect } from 'vitest'
import type { Client } from '../../src/client.js'
import { Fleet } from '../../src/fleet.js'
import { type Acknowledged, Load } from '../../src/load.js'
import { isLong } from '../../src/long.js'
import { metricsOf } from '../../src/metrics.js'
import { patience } from '../../src/patience.js'
import { seededRandom } from '../../src/random.js'
import { RecordMaker, retryOf, type TestRecord } from '../../src/records.js'
import { runPcs } from '../../src/run-pcs.js'
import { until } from '../../src/until.js'
import { WalReader } from '../../src/wal-reader.js'
import { AllowedOutages } from './allowed-outages.js'
import { SEED } from './rounds.js'
import { Account, findingsOf, otherParameters } from './system-findings.js'

const GATEWAYS = [1, 2]
const DEDUPS = [1, 2]
const AGENTS = 4
/** Each has one submission under way, which a kill may cost one refusal. */
export const AGENTS_IN_ALL = GATEWAYS.length * AGENTS
/** One of so many submissions has been sent before. */
const DUPLICATE_ONE_IN = 4
const READY_LIMIT_MS = 30_000
const ASKED_MAX = 300
/** The deadline of a submission, as it is shipped: what was under way in a log that was killed is answered by then. */
const SUBMIT_TIMEOUT_MS = 2_000

/** What a submission is answered whose log is killed between its append and its mark. */
const MARK_LOST = /^wal is not reachable$|^wal did not answer in time$/
/** What a submission is answered whose dedup was killed, where no other one could be reached at that moment. */
const DEDUP_LOST = /^dedup (is not reachable|did not answer in time)$/
/** What is answered while a store that was lost is not filled. */
const FILLING =
  /^the index |^Redis is filled under another generation|older generation|^dedup (is not reachable|did not answer in time)$/

/** Agents at two gateways, over two dedups on one Redis and several logs. */
export class SeveralLogs {
  readonly outages = new AllowedOutages()
  readonly account = new Account()
  readonly #records: RecordMaker
  readonly #sent: TestRecord[] = []
  readonly #random = seededRandom(SEED)
  readonly #readers = new Map<number, WalReader>()
  readonly #loads: readonly Load[]

  private constructor(
    readonly fleet: Fleet,
    readonly redis: RedisServer,
    readonly gateways: readonly Client[],
  ) {
    this.#records = new RecordMaker(hmacKey(fleet.site.hmacKey), fleet.site.dataDir)
    const next = this.account.sending(() => this.#next())
    const options = { concurrency: AGENTS, next, onUnavailable: this.outages.note, patienceMs: 180_000 }
    this.#loads = gateways.map((client) => new Load(client, this.#records, options))
  }

  /** @param logs members of wal; waived: those of them that a fill may go without */
  static async start(
    redis: RedisServer,
    logs: readonly number[],
    waived: readonly number[] = [],
  ): Promise<SeveralLogs> {
    const store = { DEDUP_BACKEND: 'redis', REDIS_ADDR: redis.address }
    const fleet = await Fleet.prepare('fault-several-logs', { ...patience, ...store })
    Object.assign(fleet, { logs, waivedLogs: waived })
    await fleet.up('wal', ...logs)
    await Promise.all([fleet.up('verifier', 1), fleet.up('signal-scoring', 1), fleet.up('dedup', ...DEDUPS)])
    fleet.resolveTo('dedup', DEDUPS)
    await fleet.up('gateway', ...GATEWAYS)
    return new SeveralLogs(
      fleet,
      redis,
      GATEWAYS.map((member) => fleet.client('gateway', member)),
    )
  }

  /** Other parameters from now on: whoever judges again what was acknowledged, instead of remembering it, is found out. */
  async judgeOtherwise(): Promise<void> {
    const { fleet } = this
    fleet.env = { ...fleet.env, ...otherParameters[1] }
    await fleet.up('signal-scoring', 2)
    fleet.resolveTo('signal-scoring', [2])
    await fleet.stop('signal-scoring', 1)
  }

  /** Resolves when at each gateway so many more are acknowledged. */
  async more(count: number): Promise<void> {
    await Promise.all(this.#loads.map((load) => load.more(count)))
  }

  /** Ends a log by SIGKILL: who had a record under way in it may be refused, within the deadline of a submission. */
  async kill(log: number): Promise<void> {
    this.outages.for(MARK_LOST, SUBMIT_TIMEOUT_MS)
    await this.fleet.kill('wal', log)
  }

  /** Starts a log, and waits until all that is up is ready again. */
  async start(log: number): Promise<void> {
    await this.fleet.up('wal', log)
    await this.untilReady()
  }

  /** A further log, as docs/operations.md says it, but for the gateways, which do not hand it anything yet. */
  async add(log: number): Promise<void> {
    const { fleet } = this
    await fleet.up('wal', log)
    const done = this.outages.begin(FILLING)
    await this.#pcs('dedup', 'logs', 'add', fleet.addressOf('wal', log), '--addr', this.#dedups)
    done(SUBMIT_TIMEOUT_MS)
    fleet.logs = [...fleet.logs, log]
  }

  /** Lets a log drain, which refuses nobody, and retires it, as docs/operations.md says it, with its marks in another one. */
  async retire(log: number, into: number): Promise<void> {
    const { fleet } = this
    await this.#pcs('wal', 'drain', '--addr', fleet.addressOf('wal', log))
    const [retired, other] = await Promise.all([log, into].map((one) => this.reader(one).state()))
    const done = this.outages.begin(FILLING)
    const copied = ['--copy-to', other?.logId ?? '', '--addr', fleet.addressOf('dedup', 1)]
    await this.#pcs('dedup', 'logs', 'retire', retired?.logId ?? '', ...copied)
    done(SUBMIT_TIMEOUT_MS)
    fleet.logs = fleet.logs.filter((one) => one !== log)
  }

  /**
   * Gateways and dedups are started again, one after the other, with the logs as they are now: gateways in peace, dedups
   * by SIGKILL, which refuses hardly anybody, because another one is asked.
   */
  async startAgain(): Promise<void> {
    for (const member of GATEWAYS) {
      await this.fleet.stop('gateway', member)
      await this.fleet.up('gateway', member)
    }
    for (const member of DEDUPS) {
      this.outages.for(DEDUP_LOST, SUBMIT_TIMEOUT_MS)
      await this.fleet.kill('dedup', member)
      await this.more(10)
      await this.fleet.up('dedup', member)
    }
  }

  /** Ends a log that is retired. */
  async end(log: number): Promise<void> {
    this.#readers.get(log)?.close()
    this.#readers.delete(log)
    await this.fleet.stop('wal', log)
  }

  /** Empties the store. @returns to be called when it is filled again */
  async loseStore(): Promise<() => void> {
    const filled = this.outages.begin(FILLING)
    await this.redis.cli('flushall')
    return () => filled(SUBMIT_TIMEOUT_MS)
  }

  async untilReady(): Promise<void> {
    await until('both gateways are ready', READY_LIMIT_MS, async () => {
      const answers = await Promise.all(this.gateways.map((gateway) => gateway.get('/ready')))
      return answers.every(({ status, body }) => status === 200 && body.includes('"status":"ready"'))
    })
  }

  /** Resolves when each gateway refuses a record that was acknowledged, and its outcome, by a sentence like this. */
  async untilRefused(says: string): Promise<void> {
    const known = this.#loads.flatMap(({ acknowledged }) => acknowledged)[0]
    if (!known) throw new Error('nothing was acknowledged')
    for (const gateway of this.gateways) {
      await until(`a gateway says: ${says}`, READY_LIMIT_MS, async () => {
        const { status, body } = await gateway.outcome(known.record.pcs_id)
        return status === 503 && body.includes(says)
      })
    }
  }

  get #dedups(): string {
    return DEDUPS.map((member) => this.fleet.addressOf('dedup', member)).join(',')
  }

  async #pcs(...args: readonly string[]): Promise<void> {
    const { code, out, err } = await runPcs(args)
    expect(code, `pcs ${args.join(' ')}: ${out}${err}`).toBe(0)
  }

  reader(log: number): WalReader {
    const reader = this.#readers.get(log) ?? new WalReader(this.fleet.addressOf('wal', log))
    this.#readers.set(log, reader)
    return reader
  }

  /** Lets agents come to an end. @returns what does not hold */
  async findings(): Promise<readonly string[]> {
    await Promise.all(this.#loads.map((load) => load.finish()))
    for (const load of this.#loads) this.account.add(load)
    const { acknowledged } = this.account
    const first = new Map<string, Acknowledged>()
    const found: string[] = []
    for (const each of acknowledged) {
      const told = first.get(each.record.pcs_id)
      if (told === undefined) first.set(each.record.pcs_id, each)
      else if (!told.body.equals(each.body)) found.push(`${told.body} became ${each.body}`)
    }
    const kept = [...first.values()]
    const step = isLong ? 1 : Math.ceil(kept.length / ASKED_MAX)
    const asked = kept.filter((_, index) => index % step === 0)
    const readers = this.fleet.logs.map((log) => this.reader(log))
    for (const [index, gateway] of this.gateways.entries()) {
      const half = asked.filter((_, place) => place % this.gateways.length === index)
      found.push(...(await findingsOf(gateway, readers, this.account, half)))
    }
    const accepted = await Promise.all(this.gateways.map(acceptedAt))
    const total = accepted.reduce((sum, each) => sum + each, 0)
    // A mark that a kill took the answer of is counted by nobody; nothing is counted twice.
    if (total > first.size) found.push(`${total} were counted as accepted, of ${first.size}`)
    return found
  }

  async close(): Promise<void> {
    const { deaths } = this.fleet
    for (const reader of this.#readers.values()) reader.close()
    await Promise.all(this.#loads.map((load) => load.giveUp()))
    await this.fleet.dispose()
    expect(deaths).toEqual([])
  }

  #next(): TestRecord {
    const before = this.#random(DUPLICATE_ONE_IN) === 0 && this.#sent[this.#random(this.#sent.length)]
    if (before) return retryOf(before)
    const record = this.#records.next()
    this.#sent.push(record)
    return record
  }
}

async function acceptedAt(gateway: Client): Promise<number> {
  return (await metricsOf(gateway)).value('flk_accepted')
}
