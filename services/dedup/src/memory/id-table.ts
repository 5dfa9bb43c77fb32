import type { Locator, RecordPages } from './record-pages.js'

const SHARDS = 256
const SLOTS_MIN = 16
const EMPTY = 0

/**
 * Finds records by their id: open addressing with linear probing over locators, four bytes a slot. An id is a
 * SHA-256, so its words are the hash. It is cut into shards by the id's first byte, so that a shard that grows
 * delays callers only shortly.
 */
export class IdTable {
  readonly #pages: RecordPages
  readonly #shards = Array.from({ length: SHARDS }, () => new Shard())
  #size = 0

  constructor(pages: RecordPages) {
    this.#pages = pages
  }

  get size(): number {
    return this.#size
  }

  get sizeBytes(): number {
    return this.#shards.reduce((sum, shard) => sum + shard.slots.byteLength, 0)
  }

  find(id: DataView): Locator | undefined {
    const { slots } = this.#shard(id.getUint8(0))
    const mask = slots.length - 1
    for (let slot = id.getUint32(4, true) & mask; ; slot = (slot + 1) & mask) {
      const locator = slots[slot] ?? EMPTY
      if (locator === EMPTY) return undefined
      if (this.#pages.hasId(locator, id)) return locator
    }
  }

  /** Adds a record whose id is not there yet. */
  add(locator: Locator): void {
    const shard = this.#shard(this.#pages.idWord(locator, 0) & 0xff)
    if ((shard.count + 1) * 4 > shard.slots.length * 3) this.#grow(shard)
    this.#place(shard.slots, locator)
    shard.count += 1
    this.#size += 1
  }

  /** The record has moved; both places hold its id. */
  move(from: Locator, to: Locator): void {
    const { slots } = this.#shard(this.#pages.idWord(from, 0) & 0xff)
    slots[this.#slotOf(slots, from)] = to
  }

  /** Takes a record out that is there. */
  remove(locator: Locator): void {
    const shard = this.#shard(this.#pages.idWord(locator, 0) & 0xff)
    const { slots } = shard
    const mask = slots.length - 1
    let hole = this.#slotOf(slots, locator)
    // What follows without a gap moves up, unless it would then stand before the slot where its search begins.
    for (let slot = (hole + 1) & mask; ; slot = (slot + 1) & mask) {
      const follower = slots[slot] ?? EMPTY
      if (follower === EMPTY) break
      const home = this.#pages.idWord(follower, 1) & mask
      if (((slot - home) & mask) >= ((slot - hole) & mask)) {
        slots[hole] = follower
        hole = slot
      }
    }
    slots[hole] = EMPTY
    shard.count -= 1
    this.#size -= 1
  }

  #shard(number: number): Shard {
    const shard = this.#shards[number]
    if (!shard) throw new RangeError('a shard is named by a byte')
    return shard
  }

  #slotOf(slots: Uint32Array, locator: Locator): number {
    const mask = slots.length - 1
    let slot = this.#pages.idWord(locator, 1) & mask
    while (slots[slot] !== locator) {
      if ((slots[slot] ?? EMPTY) === EMPTY) throw new Error('a record that is not in the table is named')
      slot = (slot + 1) & mask
    }
    return slot
  }

  #place(slots: Uint32Array, locator: Locator): void {
    const mask = slots.length - 1
    let slot = this.#pages.idWord(locator, 1) & mask
    while ((slots[slot] ?? EMPTY) !== EMPTY) slot = (slot + 1) & mask
    slots[slot] = locator
  }

  #grow(shard: Shard): void {
    const slots = new Uint32Array(shard.slots.length * 2)
    for (const locator of shard.slots) if (locator !== EMPTY) this.#place(slots, locator)
    shard.slots = slots
  }
}

class Shard {
  slots = new Uint32Array(SLOTS_MIN)
  count = 0
}
