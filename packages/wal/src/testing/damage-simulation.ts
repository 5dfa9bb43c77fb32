/*
 * Test support: a log on a simulated disk whose files are damaged by chance from one seed: bits flipped,
 * ranges overwritten, zeroed, moved, copied, files cut, removed, doubled. What must hold:
 *
 *   the log opens and takes appends;
 *   every record that is shown is one that was sent under that sequence, in order, never another;
 *   all records outside the damaged bytes' segments are shown;
 *   the next opening shows the same again.
 */

import { join } from 'node:path'
import { segmentName } from '../format.js'
import { openLog } from '../log.js'
import type { LogRecord } from '../record.js'
import type { CompactableLog } from '../record-log.js'
import { Chance } from './chance.js'
import { SimulatedDisk } from './simulated-files.js'

const DIRECTORY = '/log'
const SEGMENT_BYTES = 8192

export interface DamageReport {
  readonly seed: number
  readonly sent: number
  readonly shown: number
  readonly tornTails: number
  readonly quarantined: number
}

/** Runs the seed's damage. Rejects with an error that names the seed and what was wrong. */
export async function simulateDamage(seed: number): Promise<DamageReport> {
  const simulation = new DamageSimulation(new Chance(seed))
  try {
    return { seed, ...(await simulation.run()) }
  } catch (error) {
    throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    })
  }
}

class DamageSimulation {
  readonly #chance: Chance
  readonly #disk: SimulatedDisk
  readonly #sent: string[] = []
  /** file name to the sequences in it */
  readonly #places = new Map<string, number[]>()
  #tornTails = 0
  #quarantined = 0

  constructor(chance: Chance) {
    this.#chance = chance
    this.#disk = new SimulatedDisk(chance)
  }

  async run(): Promise<Omit<DamageReport, 'seed'>> {
    const first = await this.#open()
    await this.#append(first.log, 20 + this.#chance.below(60))
    await first.log.close()
    await this.#locate()
    const sentBefore = this.#sent.length
    const damaged = new Set<string>()
    for (let count = 1 + this.#chance.below(3); count > 0; count--) damaged.add(this.#damage())

    const second = await this.#open()
    this.#check(second.shown)
    this.#checkOthers(second.shown, damaged)
    const next = await second.log.append([{ type: 1, encoding: 0, body: Buffer.from('after the damage') }])
    if (next <= (second.shown.at(-1)?.sequence ?? 0)) throw new Error(`sequence ${next} was given twice`)
    await second.log.close()

    const third = await this.#open()
    const before = second.shown.map(describe)
    const again = third.shown.slice(0, -1).map(describe)
    if (before.join() !== again.join())
      throw new Error(`the next opening shows ${again.join()}, not ${before.join()}`)
    if (third.shown.at(-1)?.sequence !== next) throw new Error('the record after the damage is not there')
    await third.log.close()
    return {
      sent: sentBefore,
      shown: before.length,
      tornTails: this.#tornTails,
      quarantined: this.#quarantined,
    }
  }

  async #open(): Promise<{ log: CompactableLog; shown: LogRecord[] }> {
    const shown: LogRecord[] = []
    const visited: string[] = []
    const log = await openLog(DIRECTORY, {
      segmentBytes: SEGMENT_BYTES,
      files: this.#disk.mount(),
      randomBytes: (sizeBytes) => this.#chance.bytes(sizeBytes),
      onFatal: (error) => {
        throw error
      },
      onEvent: (event) => {
        if (event.type === 'torn_tail') this.#tornTails += 1
        if (event.type === 'quarantined') this.#quarantined += 1
      },
      visit: (record) => visited.push(describe(record)),
    })
    for await (const batch of log.read(1, { batchBytesMax: 1024 })) shown.push(...batch)
    const read = shown.map(describe).join()
    if (visited.join() !== read) throw new Error(`opening visits ${visited.join()}, reading shows ${read}`)
    return { log, shown }
  }

  async #append(log: CompactableLog, calls: number): Promise<void> {
    const appends: Promise<number>[] = []
    for (let call = 0; call < calls; call++) {
      const records = Array.from({ length: 1 + this.#chance.below(3) }, () => {
        const text = `record ${this.#sent.length + 1} ${'x'.repeat(this.#chance.below(300))}`
        this.#sent.push(text)
        return { type: 1, encoding: 0, body: Buffer.from(text) }
      })
      appends.push(log.append(records))
      if (this.#chance.happens(0.5)) await Promise.all(appends)
    }
    await Promise.all(appends)
  }

  async #locate(): Promise<void> {
    const log = await openLog(DIRECTORY, {
      segmentBytes: SEGMENT_BYTES,
      files: this.#disk.mount(),
      onFatal: (error) => {
        throw error
      },
      visit: ({ sequence }, { segment }) => {
        this.#places.set(segment, [...(this.#places.get(segment) ?? []), sequence])
      },
    })
    await log.close()
  }

  /** Damages one file; gives its name. */
  #damage(): string {
    const names = [...this.#places.keys()]
    const name = names[this.#chance.below(names.length)] ?? ''
    const path = join(DIRECTORY, name)
    const content = this.#disk.content(path)
    if (content.length === 0) return name
    const start = this.#chance.below(content.length)
    const sizeBytes = 1 + this.#chance.below(Math.min(600, content.length - start))
    const other = this.#chance.below(content.length - sizeBytes + 1)
    switch (this.#chance.below(9)) {
      case 0:
        content.writeUInt8(content.readUInt8(start) ^ (1 << this.#chance.below(8)), start)
        break
      case 1:
        this.#chance.bytes(sizeBytes).copy(content, start)
        break
      case 2:
        content.fill(0, start, start + sizeBytes)
        break
      case 3:
        this.#disk.put(path, content.subarray(0, start))
        return name
      case 4:
        content.copy(content, other, start, start + sizeBytes)
        break
      case 5: // bytes taken out
        this.#disk.put(path, Buffer.concat([content.subarray(0, start), content.subarray(start + sizeBytes)]))
        return name
      case 6: // bytes twice
        this.#disk.put(path, Buffer.concat([content.subarray(0, start + sizeBytes), content.subarray(start)]))
        return name
      case 7:
        this.#disk.remove(path)
        return name
      default: {
        const copy = segmentName(1 + this.#chance.below(100))
        if (!this.#places.has(copy)) this.#disk.put(join(DIRECTORY, copy), content)
        return name
      }
    }
    this.#disk.put(path, content)
    return name
  }

  #check(shown: readonly LogRecord[]): void {
    let last = 0
    for (const { sequence, body } of shown) {
      if (sequence <= last) throw new Error(`record ${sequence} is shown after ${last}`)
      last = sequence
      const sent = this.#sent[sequence - 1]
      if (sent !== body?.toString('latin1')) throw new Error(`record ${sequence} is not what was sent`)
    }
  }

  /** What lies in segments that nobody touched is shown. */
  #checkOthers(shown: readonly LogRecord[], damaged: ReadonlySet<string>): void {
    const sequences = new Set(shown.map(({ sequence }) => sequence))
    for (const [name, held] of this.#places) {
      if (damaged.has(name)) continue
      const lost = held.find((sequence) => !sequences.has(sequence))
      if (lost !== undefined) throw new Error(`record ${lost} of the untouched ${name} is not shown`)
    }
  }
}

function describe(record: LogRecord): string {
  return `${record.sequence}=${record.chain.toString('hex', 0, 4)}`
}
