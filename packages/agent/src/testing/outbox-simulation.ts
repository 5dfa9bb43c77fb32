/*
 * Test support: an outbox and its sender live through several processes on a simulated disk, which are killed or
 * lose power, all by chance from one seed, while a peer that judges as a gateway does gets some requests, loses
 * others, and loses answers. What must hold at every opening:
 *
 *   what `add` has promised is there, or was acknowledged before;
 *   what the peer has got is there, or was acknowledged before: nothing is sent that a power cut could take back;
 *   what is acknowledged has reached the peer;
 *   no record is settled twice, no number belongs to two records;
 *   and in the end the peer has all that was promised, each judged once.
 */

import { fingerprint, parseRecord } from '@fractal-lba/pcs'
import type { OpenFile } from '@fractal-lba/wal'
import { Chance, SimulatedDisk, type SimulatedFiles } from '@fractal-lba/wal/testing'
import { Sender } from '../delivery/index.js'
import { type Exchange, NoAnswer } from '../exchange.js'
import { Outbox, type OutboxFiles } from '../outbox/index.js'
import { verdictOn } from './scripted-peer.js'
import { simulatedOutboxFiles } from './simulated-outbox-files.js'
import { SimulatedTimers } from './simulated-timers.js'
import { smallRecordBytes } from './small-records.js'

const DIRECTORY = '/outbox'
const SEGMENT_BYTES = 8_192
const RECORDS = Array.from({ length: 24 }, (_, number) => smallRecordBytes(number))

/** A broken variant that the simulation must catch. */
export type OutboxFault = 'send-before-flush' | 'acknowledge-before-answer' | 'no-flush' | 'no-flush-of-names'

/** What a run did, so that a test can see that it really happened. */
export interface OutboxSimulationReport {
  readonly added: number
  readonly lives: number
  readonly stops: number
  readonly compactions: number
  readonly replays: number
  /** Requests with several records. */
  readonly batches: number
}

/** Runs the seed's history. Rejects with an error that names the seed and the promise that was broken. */
export async function simulateOutbox(seed: number, fault?: OutboxFault): Promise<OutboxSimulationReport> {
  const simulation = new OutboxSimulation(new Chance(seed), fault)
  try {
    return await simulation.run()
  } catch (error) {
    throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    })
  }
}

class OutboxSimulation {
  readonly #chance: Chance
  readonly #fault: OutboxFault | undefined
  readonly #disk: SimulatedDisk
  readonly #peer = new Map<string, string>()
  readonly #promised = new Set<string>()
  readonly #acknowledged = new Set<string>()
  readonly #numbers = new Map<number, string>()
  readonly #report = { added: 0, lives: 0, stops: 0, compactions: 0, replays: 0, batches: 0 }
  #broken: Error | undefined

  constructor(chance: Chance, fault: OutboxFault | undefined) {
    this.#chance = chance
    this.#fault = fault
    this.#disk = new SimulatedDisk(chance)
  }

  async run(): Promise<OutboxSimulationReport> {
    for (let lives = 2 + this.#chance.below(5); lives > 0; lives--) {
      const files = this.#disk.mount({
        stopAtCall: this.#chance.happens(0.6) ? 1 + this.#chance.below(300) : undefined,
        stopAtDatasync: this.#chance.happens(0.5) ? 1 + this.#chance.below(50) : undefined,
        stopAfterRename: this.#chance.happens(0.3) ? 1 + this.#chance.below(5) : undefined,
        shortProbability: 0.05,
      })
      const ended = await Promise.race([
        this.#life(files, false).then(() => 'itself'),
        files.stopped.then(() => 'stopped'),
      ])
      this.#report.lives += 1
      if (ended === 'stopped') this.#report.stops += 1
      if (this.#chance.happens(0.5)) this.#disk.powerCut()
      else this.#disk.kill()
      if (this.#broken) throw this.#broken
    }
    await this.#life(this.#disk.mount(), true)
    if (this.#broken) throw this.#broken
    for (const id of this.#promised) this.#demand(this.#peer.has(id), `${id} was promised, but never arrived`)
    return this.#report
  }

  async #life(files: SimulatedFiles, last: boolean): Promise<void> {
    const outbox = await Outbox.open(DIRECTORY, {
      segmentBytes: SEGMENT_BYTES,
      acknowledgedMax: 6,
      acknowledgedKept: 1,
      files: this.#filesOf(files),
      onFatal: (error) => this.#fail(error),
    })
    this.#check(outbox)
    const sender = this.#senderOf(outbox)
    sender.start()
    const adding: Promise<void>[] = []
    if (!last) {
      for (let steps = 3 + this.#chance.below(25); steps > 0; steps--) await this.#step(outbox, adding)
    }
    await Promise.all(adding)
    if (last || this.#chance.happens(0.5)) await sender.whenIdle()
    this.#check(outbox)
    await sender.stop(this.#chance.below(5))
    await outbox.close()
  }

  #senderOf(outbox: Outbox): Sender {
    const sender: Sender = new Sender({
      outbox,
      inFlightMax: 1 + this.#chance.below(4),
      backoff: { baseMs: 0.2, capMs: 1 },
      random: () => this.#chance.next(),
      timers: new SimulatedTimers(),
      deliver: (record) => this.#deliver(record),
      deliverBatch: (records) => this.#deliverBatch(records),
      onFatal: (error) => this.#fail(error),
      onAttempt: (attempt) => {
        if (attempt.result === 'acknowledged') this.#acknowledged.add(attempt.pcsId)
      },
    })
    return sender
  }

  async #step(outbox: Outbox, adding: Promise<void>[]): Promise<void> {
    if (this.#chance.happens(0.12)) {
      await outbox.compact({ acknowledgedKept: this.#chance.below(3) })
      this.#report.compactions += 1
    } else if (this.#chance.happens(0.6)) {
      const added = this.#add(outbox, this.#chance.below(RECORDS.length))
      adding.push(added)
      if (this.#chance.happens(0.5)) await added
    } else if (this.#chance.happens(0.3)) {
      for (let number = 0; number < RECORDS.length; number++) adding.push(this.#add(outbox, number))
    } else await this.#turns(20)
  }

  async #add(outbox: Outbox, number: number): Promise<void> {
    const record = RECORDS[number] ?? Buffer.alloc(0)
    if (this.#fault === 'send-before-flush') this.#arrive(record, 0)
    const { pcsId, known } = await outbox.add(record)
    this.#promised.add(pcsId)
    if (!known) this.#report.added += 1
  }

  async #deliver(record: Uint8Array): Promise<Exchange> {
    await this.#turns(8)
    if (this.#chance.happens(0.1)) throw new NoAnswer('lost on the way', false)
    if (this.#chance.happens(0.1)) return answer(503, false, '')
    const { pcs_id, ft } = parseRecord(record)
    if (this.#fault === 'acknowledge-before-answer' && this.#chance.happens(0.3)) {
      return answer(200, false, verdictOn(pcs_id))
    }
    const replayed = this.#arrive(record, ft.outbox_seq)
    await this.#turns(8)
    if (this.#chance.happens(0.1)) throw new NoAnswer('the answer was lost', false)
    if (replayed) this.#report.replays += 1
    return answer(200, replayed, verdictOn(pcs_id))
  }

  /** Some of its lines arrive; some answers are lost, or the whole answer. */
  async #deliverBatch(records: readonly Uint8Array[]): Promise<Exchange> {
    await this.#turns(8)
    if (this.#chance.happens(0.1)) throw new NoAnswer('lost on the way', false)
    if (this.#chance.happens(0.1)) return answer(this.#chance.happens(0.5) ? 503 : 413, false, '')
    this.#report.batches += 1
    const lines: string[] = []
    for (const [index, record] of records.entries()) {
      if (this.#chance.happens(0.02)) throw new NoAnswer('the answer broke off', false)
      if (this.#chance.happens(0.1)) continue
      const { pcs_id, ft } = parseRecord(record)
      const replayed = this.#arrive(record, ft.outbox_seq)
      if (replayed) this.#report.replays += 1
      const outcome = verdictOn(pcs_id)
      lines.push(`{"line":${index + 1},"status":200,"replayed":${replayed},"outcome":${outcome}}`)
    }
    await this.#turns(8)
    return { ...answer(200, false, lines.join('\n')), contentType: 'application/x-ndjson' }
  }

  /** The peer gets a record: true when it had it before. */
  #arrive(record: Uint8Array, seq: number): boolean {
    const pcs = parseRecord(record)
    const print = fingerprint(pcs).toString('hex')
    const before = this.#peer.get(pcs.pcs_id)
    if (before !== undefined && before !== print) this.#fail(new Error('the record changed on its way'))
    this.#peer.set(pcs.pcs_id, print)
    const owner = this.#numbers.get(seq) ?? pcs.pcs_id
    if (seq > 0 && owner !== pcs.pcs_id) this.#fail(new Error(`outbox_seq ${seq} belongs to two records`))
    this.#numbers.set(seq, owner)
    return before !== undefined
  }

  #check(outbox: Outbox): void {
    for (const { pcsId, state } of outbox.entries()) {
      if (state === 'acknowledged') {
        this.#acknowledged.add(pcsId)
        this.#demand(this.#peer.has(pcsId), `${pcsId} is acknowledged, but never arrived`)
      }
      this.#demand(state !== 'dead' && state !== 'conflict', `${pcsId} is ${state}`)
    }
    this.#demand(outbox.contradictions === 0, 'a record was settled twice')
    const has = (id: string) => outbox.byId(id) !== undefined || this.#acknowledged.has(id)
    for (const id of this.#promised) this.#demand(has(id), `${id} was promised and is gone`)
    for (const id of this.#peer.keys()) this.#demand(has(id), `${id} was sent and is gone`)
  }

  #demand(holds: boolean, sentence: string): void {
    if (!holds) throw new Error(sentence)
  }

  #fail(error: Error): void {
    this.#broken ??= error
  }

  async #turns(most: number): Promise<void> {
    for (let turns = this.#chance.below(most); turns > 0; turns--) {
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  #filesOf(simulated: SimulatedFiles): OutboxFiles {
    const files = simulatedOutboxFiles(simulated)
    if (this.#fault === 'no-flush-of-names') return { ...files, syncDirectory: async () => undefined }
    if (this.#fault !== 'no-flush') return files
    return { ...files, open: async (path, mode) => unflushed(await files.open(path, mode)) }
  }
}

function unflushed(file: OpenFile): OpenFile {
  return { ...file, datasync: async () => undefined }
}

function answer(status: number, replayed: boolean, body: string): Exchange {
  return { status, replayed, contentType: undefined, retryAfter: undefined, date: undefined, body }
}
