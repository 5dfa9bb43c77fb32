/*
 * Test support: a log lives through several processes on a simulated disk, which stop, lose power, meet
 * failing calls and a full disk, all by chance from one seed. What must hold after every opening:
 *
 *   acknowledged ⊆ recovered ⊆ sent, in order, each record as it was sent;
 *   what an opening once showed is there at every later one;
 *   nothing is quarantined, since nothing but crashes happened, and the whole log verifies;
 *   nothing is acknowledged after a failed write or flush.
 */

import type { Clock } from '../clock.js'
import { isWalError, WalError } from '../errors.js'
import type { WalEvent } from '../events.js'
import { openLog, type RecordLog } from '../log.js'
import type { LogRecord, NewRecord } from '../record.js'
import { verifyLog } from '../verify.js'
import { Chance, type Faults, SimulatedDisk, type SimulatedFiles } from './simulated-files.js'

const DIRECTORY = '/log'

/** What a run did, so that a test can see that the faults really happened. */
export interface SimulationReport {
  readonly seed: number
  readonly openings: number
  readonly acknowledged: number
  readonly recovered: number
  readonly tornTails: number
  readonly segments: number
  readonly failures: number
  readonly refusals: number
}

/** Runs the seed's history. Rejects with an error that names the seed and the promise that was broken. */
export async function simulate(seed: number): Promise<SimulationReport> {
  const simulation = new Simulation(seed)
  try {
    return await simulation.run()
  } catch (error) {
    throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    })
  }
}

class SimulatedClock implements Clock {
  readonly #chance: Chance
  #timers = new Set<() => void>()

  constructor(chance: Chance) {
    this.#chance = chance
  }

  wallMs(): number {
    return 1_700_000_000_000 + this.#chance.below(1_000_000)
  }

  after(_delayMs: number, task: () => void): () => void {
    this.#timers.add(task)
    return () => this.#timers.delete(task)
  }

  /** All timers run out. */
  fire(): void {
    const due = [...this.#timers]
    this.#timers.clear()
    for (const task of due) task()
  }
}

interface Sent {
  readonly call: number
  readonly index: number
  readonly record: NewRecord
}

class Simulation {
  readonly #seed: number
  readonly #chance: Chance
  readonly #disk: SimulatedDisk
  readonly #sent = new Map<string, Sent>()
  /** what must be there at every later opening, by sequence: acknowledged, or shown by an opening or a read */
  readonly #known = new Map<number, string>()
  readonly #segmentBytes: number
  /** all records of one length, so that stale frames lie exactly where later ones begin */
  readonly #uniform: boolean
  #calls = 0
  #openings = 0
  #acknowledged = 0
  #recovered = 0
  #tornTails = 0
  #segments = 0
  #failures = 0
  #refusals = 0

  constructor(seed: number) {
    this.#seed = seed
    this.#chance = new Chance(seed)
    this.#disk = new SimulatedDisk(this.#chance)
    this.#segmentBytes = 8192 + 512 * this.#chance.below(12)
    this.#uniform = this.#chance.happens(0.3)
  }

  async run(): Promise<SimulationReport> {
    const lives = 2 + this.#chance.below(3)
    for (let life = 0; life < lives; life++) await this.#live(this.#faults())
    this.#disk.capacityBytes = Number.MAX_SAFE_INTEGER
    await this.#live({}) // the last one meets no fault and must show everything
    await this.#verify()
    return {
      seed: this.#seed,
      openings: this.#openings,
      acknowledged: this.#acknowledged,
      recovered: this.#recovered,
      tornTails: this.#tornTails,
      segments: this.#segments,
      failures: this.#failures,
      refusals: this.#refusals,
    }
  }

  #faults(): Faults {
    const chance = this.#chance
    const some = (probability: number, limit: number) =>
      chance.happens(probability) ? 1 + chance.below(limit) : undefined
    this.#disk.capacityBytes = chance.happens(0.2)
      ? this.#disk.usedBytes() + chance.below(3 * this.#segmentBytes)
      : Number.MAX_SAFE_INTEGER
    return {
      stopAtCall: some(0.4, chance.happens(0.5) ? 60 : 200),
      stopAtDatasync: some(0.6, 25),
      failDatasync: some(0.15, 40),
      failWrite: some(0.1, 60),
      shortProbability: chance.happens(0.5) ? 0.3 : 0,
    }
  }

  /** One process, from its opening to its end, however it ends; then perhaps a power cut. */
  async #live(faults: Faults): Promise<void> {
    const files = this.#disk.mount(faults)
    const failed = { flag: false }
    await Promise.race([this.#process(files, failed), files.stopped])
    this.#disk.kill()
    if (this.#chance.happens(0.6)) this.#disk.powerCut()
  }

  async #process(files: SimulatedFiles, failed: { flag: boolean }): Promise<void> {
    const clock = new SimulatedClock(this.#chance)
    const visited: LogRecord[] = []
    let log: RecordLog
    try {
      log = await openLog(DIRECTORY, {
        segmentBytes: this.#segmentBytes,
        groupRecordsMax: 1 + this.#chance.below(40),
        files,
        clock,
        randomBytes: (sizeBytes) => this.#chance.bytes(sizeBytes),
        onFatal: () => {
          failed.flag = true
          this.#failures += 1
        },
        onEvent: (event) => this.#event(event),
        visit: (record) => visited.push(kept(record)),
      })
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'EIO') return
      throw error
    }
    this.#openings += 1
    await this.#check(log, visited)
    const appenders = Array.from({ length: 1 + this.#chance.below(5) }, () =>
      this.#appender(log, clock, failed),
    )
    await Promise.all(appenders)
    if (!failed.flag && this.#chance.happens(0.3)) await this.#look(log)
    if (!failed.flag && this.#chance.happens(0.5)) await log.close()
  }

  #event(event: WalEvent): void {
    if (event.type === 'torn_tail') this.#tornTails += 1
    if (event.type === 'segment_created') this.#segments += 1
    if (event.type === 'quarantined') throw new Error(`${event.segment} was quarantined: ${event.reason}`)
    if (event.type === 'damage_read')
      throw new Error(`a reader met damage in ${event.segment}: ${event.reason}`)
  }

  async #appender(log: RecordLog, clock: SimulatedClock, failed: { flag: boolean }): Promise<void> {
    for (let calls = this.#chance.below(8); calls > 0; calls--) {
      const ids: string[] = []
      const records = this.#newRecords(ids)
      const wasFailed = failed.flag
      try {
        const first = await log.append(records)
        if (wasFailed || failed.flag) throw new Error('a record was acknowledged after a failure')
        this.#acknowledged += ids.length
        for (const [index, id] of ids.entries()) this.#remember(first + index, id)
      } catch (error) {
        if (isWalError(error, 'failed')) return
        if (!isWalError(error, 'out_of_space') && !isWalError(error, 'too_large')) throw error
        this.#refusals += 1
        for (const id of ids) this.#sent.delete(id) // a refusal promises that nothing was written
      }
      if (this.#chance.happens(0.1)) clock.fire()
      if (this.#chance.happens(0.05)) this.#disk.capacityBytes = Number.MAX_SAFE_INTEGER
      if (this.#chance.happens(0.02)) await this.#look(log)
    }
  }

  #newRecords(ids: string[]): NewRecord[] {
    this.#calls += 1
    const call = this.#calls
    return Array.from({ length: 1 + this.#chance.below(4) }, (_, index) => {
      const id = `${call}.${index}`
      const long = !this.#uniform && this.#chance.happens(0.3)
      const filler = long ? Buffer.alloc(this.#chance.below(900)) : this.#chance.bytes(16)
      const body = Buffer.concat([Buffer.from(`${id};`.padStart(12)), filler])
      const record = { type: 1 + this.#chance.below(255), encoding: this.#chance.below(256), body }
      this.#sent.set(id, { call, index, record })
      ids.push(id)
      return record
    })
  }

  #remember(sequence: number, id: string): void {
    const known = this.#known.get(sequence)
    if (known !== undefined && known !== id) throw new Error(`sequence ${sequence} was ${known} and is ${id}`)
    this.#known.set(sequence, id)
  }

  /** What the opening recovered, checked against everything known. */
  async #check(log: RecordLog, visited: readonly LogRecord[]): Promise<void> {
    this.#recovered = visited.length
    this.#checkRecords(visited)
    for (const [sequence, id] of this.#known) {
      const record = visited[sequence - 1]
      if (record === undefined) throw new Error(`record ${sequence} (${id}) is lost`)
      if (record.sequence !== sequence || idOf(record) !== id)
        throw new Error(`record ${sequence} is not ${id}`)
    }
    for (const record of visited) this.#remember(record.sequence, idOf(record))
    const head = log.head()
    const last = visited.at(-1)
    if (head.sequence !== visited.length)
      throw new Error(`the head is ${head.sequence}, not ${visited.length}`)
    if (last !== undefined && last.chain.toString('hex') !== head.chain)
      throw new Error('the head has another chain')
    await this.#look(log)
  }

  /** A reader sees flushed records only, from the first on, without a gap, as they were sent. */
  async #look(log: RecordLog): Promise<void> {
    const records: LogRecord[] = []
    const upTo = log.head().sequence
    for await (const batch of log.read(1, { batchBytesMax: 2048 })) records.push(...batch)
    if (records.length !== upTo) throw new Error(`${records.length} of ${upTo} records were read`)
    this.#checkRecords(records)
    for (const record of records) this.#remember(record.sequence, idOf(record))
    if (upTo === 0) return
    const sequence = 1 + this.#chance.below(upTo)
    const one = await log.readOne(sequence)
    if (one === undefined || idOf(one) !== this.#known.get(sequence))
      throw new Error(`readOne(${sequence}) differs`)
  }

  #checkRecords(records: readonly LogRecord[]): void {
    let before: Sent | undefined
    const calls = new Set<number>()
    for (const [position, record] of records.entries()) {
      if (record.sequence !== position + 1)
        throw new Error(`record ${position + 1} has sequence ${record.sequence}`)
      const sent = this.#sent.get(idOf(record))
      if (sent === undefined) throw new Error(`record ${record.sequence} was never sent`)
      const { type, encoding, body } = sent.record
      const same = record.type === type && record.encoding === encoding && record.body?.equals(body) === true
      if (!same) throw new Error(`record ${record.sequence} differs from what was sent`)
      if (sent.index > 0 && (before?.call !== sent.call || before.index !== sent.index - 1)) {
        throw new Error(`record ${record.sequence} is not behind the one it was sent after`)
      }
      if (sent.index === 0 && calls.has(sent.call))
        throw new Error(`record ${record.sequence} is there twice`)
      calls.add(sent.call)
      before = sent
    }
  }

  async #verify(): Promise<void> {
    const files = this.#disk.mount()
    const reports = verifyLog(DIRECTORY, files)
    let step = await reports.next()
    while (step.done !== true) step = await reports.next()
    if (!step.value.sound) throw new WalError('damaged', 'the log does not verify')
    for (const sequence of this.#known.keys()) {
      if (sequence > step.value.head.sequence)
        throw new Error(`record ${sequence} is beyond the verified head`)
    }
  }
}

function idOf(record: LogRecord): string {
  return record.body?.toString('latin1').split(';', 1)[0]?.trim() ?? ''
}

function kept(record: LogRecord): LogRecord {
  return { ...record, body: record.body && Buffer.from(record.body), chain: Buffer.from(record.chain) }
}
