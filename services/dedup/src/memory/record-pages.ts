/**
 * Records in pages outside the JavaScript heap, so that millions of them cost no garbage collection, and so that
 * a snapshot can write them as they lie. Numbers are little-endian, records begin at multiples of 8 bytes:
 *
 *    0  f64  expiry, milliseconds since 1970
 *    8  u32  number of the shared parts of the value (verdict-codec.ts)
 *   12  u16  bytes of the value, at most VALUE_BYTES_MAX (verdict-codec.ts)
 *   14  u8   flags: 1 live (else it is skipped), 2 marked
 *   15  u8   0
 *   16       id, 32 bytes
 *   48       value, padded to a multiple of 8
 *
 * Pages belong to slices of time: all records of a slice are to be looked at again when its time has come. A
 * page is given back as a whole when the sweep has passed it.
 */
export const PAGE_BYTES = 64 * 1024
const UNIT_BYTES = 8
const UNITS_PER_PAGE = PAGE_BYTES / UNIT_BYTES
/** More cannot be named by the 32 bits of a locator: 32 GiB. */
const PAGES_MAX = 2 ** 32 / UNITS_PER_PAGE
const ID_AT = 16
const VALUE_AT = 48
const LIVE = 1
const MARKED = 2
/** Pages kept for reuse; more are left to the garbage collector. */
const FREE_PAGES_MAX = 64

/** Where a record lies; never 0. */
export type Locator = number

export interface RecordFields {
  readonly expiresAtMs: number
  readonly shared: number
  readonly marked: boolean
  readonly value: Uint8Array
}

interface Page {
  readonly number: number
  readonly bytes: Buffer
  readonly view: DataView
  /** Grows with each page that is taken into use: tells the uses of a page apart, and orders a slice. */
  serial: number
  usedBytes: number
}

interface Slice {
  readonly number: number
  readonly pages: Page[]
  /** Where the sweep is in the first page. */
  sweptBytes: number
}

export class RecordPages {
  readonly #pages: (Page | undefined)[] = [undefined]
  readonly #freePages: Page[] = []
  readonly #freeNumbers: number[] = []
  readonly #slices = new Map<number, Slice>()
  #oldest: Slice | undefined
  #serial = 0

  /** Bytes of all pages, in use or kept for reuse. */
  get sizeBytes(): number {
    return (this.#pages.length - 1 - this.#freeNumbers.length) * PAGE_BYTES
  }

  append(slice: number, id: Buffer, { expiresAtMs, shared, marked, value }: RecordFields): Locator {
    const sizeBytes = recordBytes(value.length)
    const page = this.#pageWithRoom(slice, sizeBytes)
    const at = page.usedBytes
    page.usedBytes += sizeBytes
    page.view.setFloat64(at, expiresAtMs, true)
    page.view.setUint32(at + 8, shared, true)
    page.view.setUint16(at + 12, value.length, true)
    page.view.setUint16(at + 14, marked ? LIVE | MARKED : LIVE, true)
    id.copy(page.bytes, at + ID_AT)
    page.bytes.set(value, at + VALUE_AT)
    return page.number * UNITS_PER_PAGE + at / UNIT_BYTES
  }

  /** Copies a record as it is into another slice; the old one is to be removed. */
  copy(slice: number, locator: Locator): Locator {
    return this.append(slice, Buffer.from(this.id(locator)), this.fields(locator))
  }

  /** The record is skipped from now on, and its room given back with its page. */
  remove(locator: Locator): void {
    this.#page(locator).view.setUint8(offset(locator) + 14, 0)
  }

  /** A view: it changes when the page is used again. */
  id(locator: Locator): Buffer {
    const at = offset(locator) + ID_AT
    return this.#page(locator).bytes.subarray(at, at + 32)
  }

  /** One of the eight words of a record's id. */
  idWord(locator: Locator, word: number): number {
    return this.#page(locator).view.getUint32(offset(locator) + ID_AT + 4 * word, true)
  }

  hasId(locator: Locator, id: DataView): boolean {
    const { view } = this.#page(locator)
    const at = offset(locator) + ID_AT
    for (let byte = 0; byte < 32; byte += 4) {
      if (view.getUint32(at + byte, true) !== id.getUint32(byte, true)) return false
    }
    return true
  }

  expiresAtMs(locator: Locator): number {
    return this.#page(locator).view.getFloat64(offset(locator), true)
  }

  /** The value in it is a view: it changes when the page is used again. */
  fields(locator: Locator): RecordFields {
    return fieldsAt(this.#page(locator), offset(locator))
  }

  setExpiry(locator: Locator, expiresAtMs: number, marked: boolean): void {
    const { view } = this.#page(locator)
    view.setFloat64(offset(locator), expiresAtMs, true)
    view.setUint8(offset(locator) + 14, marked ? LIVE | MARKED : LIVE)
  }

  /**
   * Walks the records of the slices up to currentSlice, oldest first, where it stopped the last time. `visit`
   * gets the live ones; true: it has removed the record, false: the walk is to stop there until the next time.
   *
   * @returns how many records it passed, at most recordsMax.
   */
  sweep(recordsMax: number, currentSlice: number, visit: (locator: Locator) => boolean): number {
    let passed = 0
    while (passed < recordsMax) {
      const slice = this.#oldest
      const page = slice?.pages[0]
      if (!slice || !page || slice.number > currentSlice) break
      if (slice.sweptBytes < page.usedBytes) {
        const at = slice.sweptBytes
        const live = (page.view.getUint8(at + 14) & LIVE) !== 0
        if (live && !visit(page.number * UNITS_PER_PAGE + at / UNIT_BYTES)) break
        slice.sweptBytes += recordBytes(page.view.getUint16(at + 12, true))
        passed += 1
      } else if (slice.pages.length > 1 || slice.number < currentSlice) {
        this.#giveBackFirstPage(slice)
      } else {
        break
      }
    }
    return passed
  }

  /**
   * The used part of each page, slice by slice, while records come and go between two steps: whatever was there
   * at the start and is still there when its page is reached is in it, because the sweep moves records only to
   * later slices. A view: to be copied before the next turn of the event loop.
   */
  *inOrder(): Generator<Buffer> {
    let last = { slice: Number.NEGATIVE_INFINITY, serial: 0 }
    for (;;) {
      const next = this.#pageAfter(last.slice, last.serial)
      if (!next) return
      last = { slice: next.slice, serial: next.page.serial }
      yield next.page.bytes.subarray(0, next.page.usedBytes)
    }
  }

  #pageAfter(slice: number, serial: number): { readonly slice: number; readonly page: Page } | undefined {
    const here = this.#slices.get(slice)?.pages.find((page) => page.serial > serial)
    if (here) return { slice, page: here }
    let next: Slice | undefined
    for (const candidate of this.#slices.values()) {
      if (candidate.number > slice && (!next || candidate.number < next.number)) next = candidate
    }
    const page = next?.pages[0]
    return next && page ? { slice: next.number, page } : undefined
  }

  #page(locator: Locator): Page {
    const page = this.#pages[Math.floor(locator / UNITS_PER_PAGE)]
    if (!page) throw new Error('a record is looked for in a page that was given back')
    return page
  }

  #pageWithRoom(number: number, sizeBytes: number): Page {
    let slice = this.#slices.get(number)
    if (!slice) {
      slice = { number, pages: [], sweptBytes: 0 }
      this.#slices.set(number, slice)
      if (!this.#oldest || number < this.#oldest.number) this.#oldest = slice
    }
    const tail = slice.pages.at(-1)
    if (tail && tail.usedBytes + sizeBytes <= PAGE_BYTES) return tail
    const page = this.#freePages.pop() ?? this.#newPage()
    this.#serial += 1
    page.serial = this.#serial
    page.usedBytes = 0
    slice.pages.push(page)
    return page
  }

  #newPage(): Page {
    const number = this.#freeNumbers.pop() ?? this.#pages.length
    if (number >= PAGES_MAX) throw new RangeError('the memory store cannot hold more than 32 GiB')
    const bytes = Buffer.from(new ArrayBuffer(PAGE_BYTES))
    const page = { number, bytes, view: new DataView(bytes.buffer), serial: 0, usedBytes: 0 }
    this.#pages[number] = page
    return page
  }

  #giveBackFirstPage(slice: Slice): void {
    const page = slice.pages.shift()
    slice.sweptBytes = 0
    if (page && this.#freePages.length < FREE_PAGES_MAX) {
      this.#freePages.push(page)
    } else if (page) {
      this.#pages[page.number] = undefined
      this.#freeNumbers.push(page.number)
    }
    if (slice.pages.length > 0) return
    this.#slices.delete(slice.number)
    this.#oldest = undefined
    for (const other of this.#slices.values()) {
      if (!this.#oldest || other.number < this.#oldest.number) this.#oldest = other
    }
  }
}

/**
 * The live records of a page image, which need not be aligned.
 *
 * @throws RangeError if it is not one.
 */
export function* recordsOf(image: Buffer): Generator<{ readonly id: Buffer; readonly fields: RecordFields }> {
  const page = { bytes: image, view: new DataView(image.buffer, image.byteOffset, image.length) }
  let at = 0
  while (at < image.length) {
    const sizeBytes =
      at + VALUE_AT <= image.length ? recordBytes(page.view.getUint16(at + 12, true)) : VALUE_AT
    if (at + sizeBytes > image.length) throw new RangeError('a record goes beyond the end of its page')
    if ((page.view.getUint8(at + 14) & LIVE) !== 0) {
      yield { id: image.subarray(at + ID_AT, at + VALUE_AT), fields: fieldsAt(page, at) }
    }
    at += sizeBytes
  }
}

function fieldsAt({ bytes, view }: Pick<Page, 'bytes' | 'view'>, at: number): RecordFields {
  return {
    expiresAtMs: view.getFloat64(at, true),
    shared: view.getUint32(at + 8, true),
    marked: (view.getUint8(at + 14) & MARKED) !== 0,
    value: bytes.subarray(at + VALUE_AT, at + VALUE_AT + view.getUint16(at + 12, true)),
  }
}

function recordBytes(valueBytes: number): number {
  return Math.ceil((VALUE_AT + valueBytes) / UNIT_BYTES) * UNIT_BYTES
}

function offset(locator: Locator): number {
  return (locator % UNITS_PER_PAGE) * UNIT_BYTES
}
