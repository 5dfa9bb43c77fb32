/*
 * Test support: a log lives through several processes on a simulated disk, which stop, lose power, meet
 * failing calls and a full disk, all by chance from one seed. What must hold after every opening:
 *
 *   acknowledged ⊆ recovered ⊆ sent, in order, each record as it was sent (only what compaction was asked to
 *   drop has no body, only what retention was asked to remove is not there);
 *   what an opening once showed is there at every later one;
 *   nothing is quarantined, since nothing but crashes happened, and the whole log verifies;
 *   nothing is acknowledged after a failed write or flush.
 */

import { createHash } from 'node:crypto'
import type { Clock } from '../clock.js'
import { isWalError, WalError } from '../errors.js'
import type { WalEvent } from '../events.js'
import { openLog } from '../log.js'
import type { LogRecord, NewRecord, VisitedRecord } from '../record.js'
import type { CompactableLog } from '../record-log.js'
import { verifyLog } from '../verify.js'
import { Chance } from './chance.js'
import { type Faults, SimulatedDisk, type SimulatedFiles } from './simulated-files.js'

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
  readonly dropped: number
  /** records that an opening has taken out of checkpoints */
  readonly fromCheckpoints: number
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
  /** what compaction was asked to drop */
  readonly #droppable = new Set<number>()
  /** retention was asked to remove what is below it */
  #removable = 1
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
  #dropped = 0
  #fromCheckpoints = 0

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
      dropped: this.#dropped,
      fromCheckpoints: this.#fromCheckpoints,
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
      stopAfterRename: some(0.3, 6),
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
    let log: CompactableLog
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
        // the whole body, so that what a checkpoint shows can be compared like what was read
        ...(this.#chance.happens(0.7) && { brief: (_type: number, body: Buffer) => body }),
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

  async #appender(log: CompactableLog, clock: SimulatedClock, failed: { flag: boolean }): Promise<void> {
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
      if (this.#chance.happens(0.06)) await this.#compact(log)
    }
  }

  async #compact(log: CompactableLog): Promise<void> {
    const sealed = log.segments().filter(({ active, quarantined }) => !active && !quarantined)
    const segment = sealed[this.#chance.below(sealed.length)]
    if (segment === undefined) return
    try {
      if (this.#chance.happens(0.2)) {
        this.#removable = Math.max(this.#removable, segment.lastSequence + 1)
        await log.removeBefore(segment.lastSequence + 1)
        return
      }
      const { dropped } = await log.dropBodies(segment.firstSequence, ({ sequence }) => {
        const drop = this.#chance.happens(0.5)
        if (drop) this.#droppable.add(sequence)
        return drop
      })
      this.#dropped += dropped
    } catch (error) {
      // another appender may have removed the segment meanwhile, the disk may be full, the log may have failed
      if (!isWalError(error)) throw error
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
  async #check(log: CompactableLog, visited: readonly LogRecord[]): Promise<void> {
    this.#recovered = visited.length
    this.#fromCheckpoints += visited.filter(({ chain }) => chain.length === 0).length
    this.#checkRecords(visited)
    const first = visited[0]?.sequence ?? this.#removable
    for (const [sequence, id] of this.#known) {
      if (sequence < first) continue // checkRecords has seen that it may be
      const record = visited[sequence - first]
      if (record === undefined) throw new Error(`record ${sequence} (${id}) is lost`)
      if (record.sequence !== sequence || this.#idOf(record) !== id)
        throw new Error(`record ${sequence} is not ${id}`)
    }
    for (const record of visited) this.#remember(record.sequence, this.#idOf(record))
    const head = log.head()
    const last = visited.at(-1)
    if (last === undefined) return
    if (head.sequence !== last.sequence) throw new Error(`the head is ${head.sequence}, not ${last.sequence}`)
    if (last.chain.length > 0 && last.chain.toString('hex') !== head.chain)
      throw new Error('the head has another chain')
    await this.#look(log)
  }

  /** A reader sees flushed records only, from the first on, without a gap, as they were sent. */
  async #look(log: CompactableLog): Promise<void> {
    const records: LogRecord[] = []
    const upTo = log.head().sequence
    for await (const batch of log.read(1, { batchBytesMax: 2048 })) records.push(...batch)
    const last = records.at(-1)
    if (last?.sequence !== upTo && upTo >= this.#removable) {
      throw new Error(`reading ended at ${last?.sequence}, not at ${upTo}`)
    }
    this.#checkRecords(records)
    for (const record of records) this.#remember(record.sequence, this.#idOf(record))
    if (upTo === 0) return
    const sequence = 1 + this.#chance.below(upTo)
    const one = await log.readOne(sequence)
    const id = one === undefined ? undefined : this.#idOf(one)
    if (id !== this.#known.get(sequence) && (one !== undefined || sequence >= this.#removable)) {
      throw new Error(`readOne(${sequence}) gives ${id}`)
    }
  }

  #checkRecords(records: readonly LogRecord[]): void {
    let before: Sent | undefined
    const calls = new Set<number>()
    let expected = 1
    for (const record of records) {
      const follows = record.sequence === expected
      // what lies before is removed, if need be while a reader was on its way
      if (!follows && (record.sequence < expected || record.sequence > this.#removable)) {
        throw new Error(`record ${expected} is ${record.sequence}`)
      }
      expected = record.sequence + 1
      const sent = this.#sent.get(this.#idOf(record))
      if (sent === undefined) throw new Error(`record ${record.sequence} was never sent`)
      if (!this.#isAsSent(record, sent.record))
        throw new Error(`record ${record.sequence} differs from what was sent`)
      const belongs = before?.call === sent.call && before.index === sent.index - 1
      if (sent.index > 0 && follows && !belongs) {
        throw new Error(`record ${record.sequence} is not behind the one it was sent after`)
      }
      if (sent.index === 0 && calls.has(sent.call))
        throw new Error(`record ${record.sequence} is there twice`)
      calls.add(sent.call)
      before = sent
    }
  }

  #isAsSent(record: LogRecord, { type, encoding, body }: NewRecord): boolean {
    if (record.type !== type || record.encoding !== encoding || record.bodyLength !== body.length)
      return false
    if (record.body !== undefined) return record.body.equals(body)
    if (!this.#droppable.has(record.sequence)) return false
    // Out of a checkpoint.
    if (record.digest.length === 0) return true
    return record.digest.equals(createHash('sha256').update(body).digest())
  }

  /** A dropped body does not say what it was; its sequence does, since only known records are compacted. */
  #idOf({ body, sequence }: LogRecord): string {
    if (body === undefined) return this.#known.get(sequence) ?? 'dropped, but never shown'
    return body.toString('latin1').split(';', 1)[0]?.trim() ?? ''
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

function kept(record: VisitedRecord): LogRecord {
  const isBrief = record.briefLength !== undefined
  return {
    ...record,
    body: record.body && Buffer.from(record.body),
    // A record out of a checkpoint has neither.
    digest: isBrief ? Buffer.alloc(0) : Buffer.from(record.digest),
    chain: isBrief ? Buffer.alloc(0) : Buffer.from(record.chain),
  }
}
