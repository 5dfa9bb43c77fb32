import type { Clock } from '@fractal-lba/runtime'
import { type LogSet, NO_LOGS } from '../index/log-set.js'
import { GenerationLost, type IndexEntry, type Store, type StoredVerdict, type StoreState } from '../store.js'
import { VerdictCodec } from '../verdict-codec.js'
import { IdTable } from './id-table.js'
import { type Locator, type RecordFields, RecordPages, recordsOf } from './record-pages.js'

export interface MemoryStoreOptions {
  /** DEDUP_MEMORY_MAX */
  readonly idsMax: number
  /** Sets only the length of the slices of time: entries may have any expiry. */
  readonly ttlMs: number
  /** What expires then or before has expired. */
  readonly now: Clock
}

const SLICES_PER_TTL = 64
const SLICE_MS_MIN = 1_000
const SWEEP_EVERY_MS = 100
const SWEEP_RECORDS_MAX = 2_048

/**
 * The store of one process, outside the JavaScript heap: pages of records and a table that finds them by id.
 * Expired records are removed in small steps, a few with each put and some more ten times a second.
 */
export class MemoryStore implements Store {
  readonly backend = 'memory'
  readonly #options: MemoryStoreOptions
  readonly #sliceMs: number
  readonly #positions = new Map<string, number>()
  readonly #id = Buffer.from(new ArrayBuffer(32))
  readonly #idView = new DataView(this.#id.buffer)
  readonly #sweeper: NodeJS.Timeout
  #pages = new RecordPages()
  #table = new IdTable(this.#pages)
  #codec = new VerdictCodec()
  #logSet = NO_LOGS
  #begunGeneration = ''
  #filledGeneration = ''
  #changes = 0
  #restoredShared = -1

  constructor(options: MemoryStoreOptions) {
    this.#options = options
    this.#sliceMs = Math.max(SLICE_MS_MIN, Math.ceil(options.ttlMs / SLICES_PER_TTL))
    this.#sweeper = setInterval(() => this.#sweep(SWEEP_RECORDS_MAX, options.now()), SWEEP_EVERY_MS)
    this.#sweeper.unref()
  }

  /** Grows with every change that a snapshot would show. */
  get changes(): number {
    return this.#changes
  }

  /** Bytes of pages and table. */
  get sizeBytes(): number {
    return this.#pages.sizeBytes + this.#table.sizeBytes
  }

  async getMany(pcsIds: readonly string[]): Promise<(IndexEntry | undefined)[]> {
    const nowMs = this.#options.now()
    return pcsIds.map((pcsId) => {
      const found = this.#find(pcsId)
      return found !== undefined && this.#pages.expiresAtMs(found) > nowMs
        ? this.#read(found, pcsId)
        : undefined
    })
  }

  async putManyIfAbsent(entries: readonly IndexEntry[]): Promise<(IndexEntry | undefined)[]> {
    const nowMs = this.#options.now()
    // More than comes in, so that what has expired never piles up.
    this.#sweep(2 * entries.length, nowMs)
    return entries.map((entry) => {
      const { pcsId } = entry.verdict.outcome
      const found = this.#find(pcsId)
      if (found !== undefined) {
        if (this.#pages.expiresAtMs(found) > nowMs) return this.#read(found, pcsId)
        this.#remove(found)
      }
      if (this.#isFull) this.#sweep(SWEEP_RECORDS_MAX, nowMs)
      if (this.#isFull) return undefined
      this.#insert(entry, nowMs)
      return entry
    })
  }

  async confirmMany(entries: readonly IndexEntry[]): Promise<boolean[]> {
    const nowMs = this.#options.now()
    return entries.map(({ verdict, expiresAtMs }) => {
      const found = this.#find(verdict.outcome.pcsId)
      if (found === undefined || !this.#hasVerdict(found, verdict)) return false
      const { marked, expiresAtMs: untilMs } = this.#pages.fields(found)
      if (untilMs <= nowMs) return false
      const firstMs = marked ? Math.min(untilMs, expiresAtMs) : expiresAtMs
      if (marked && firstMs === untilMs) return true
      if (firstMs > nowMs) this.#pages.setExpiry(found, firstMs, true)
      else this.#remove(found)
      this.#changes += 1
      return true
    })
  }

  async overwriteMany(entries: readonly IndexEntry[]): Promise<void> {
    const nowMs = this.#options.now()
    for (const entry of entries) {
      const found = this.#find(entry.verdict.outcome.pcsId)
      if (found !== undefined) this.#remove(found)
      if (entry.expiresAtMs > nowMs) this.#insert(entry, nowMs)
    }
  }

  async renewUnmarked(pcsIds: readonly string[], expiresAtMs: number): Promise<void> {
    const nowMs = this.#options.now()
    for (const pcsId of pcsIds) {
      const found = this.#find(pcsId)
      if (found === undefined || this.#pages.fields(found).marked) continue
      if (this.#pages.expiresAtMs(found) <= nowMs) continue
      this.#pages.setExpiry(found, expiresAtMs, false)
      this.#changes += 1
    }
  }

  async positions(): Promise<ReadonlyMap<string, number>> {
    return new Map(this.#positions)
  }

  async setPosition(logId: string, nextSequence: number): Promise<void> {
    this.#positions.set(logId, nextSequence)
    this.#changes += 1
  }

  async filledGeneration(): Promise<string> {
    return this.#filledGeneration
  }

  /** Only this process can have filled it. */
  async adopt(generation: string): Promise<void> {
    if (generation !== this.#filledGeneration)
      throw new GenerationLost('the index is not filled under this generation')
  }

  async logSet(): Promise<LogSet> {
    return this.#logSet
  }

  async begin(generation: string, logSet: LogSet): Promise<void> {
    this.#logSet = logSet
    this.#begunGeneration = generation
    this.#filledGeneration = ''
  }

  async complete(): Promise<void> {
    this.#filledGeneration = this.#begunGeneration
  }

  async acquireLease(): Promise<boolean> {
    return true
  }

  async releaseLease(): Promise<void> {}

  state(): StoreState {
    const { idsMax } = this.#options
    const refusal = this.#isFull
      ? `the memory store holds DEDUP_MEMORY_MAX=${idsMax} ids; raise it or use DEDUP_BACKEND=redis or postgres`
      : undefined
    return { up: true, remembered: this.#table.size, refusal }
  }

  async close(): Promise<void> {
    clearInterval(this.#sweeper)
  }

  /**
   * What a snapshot must hold, page by page, each a view to be copied before the next turn of the event loop.
   * Whatever is there at the start and not removed meanwhile is in it (RecordPages.inOrder).
   */
  images(): Generator<Buffer> {
    return this.#pages.inOrder()
  }

  /** What the images refer to; to be asked for after the last of them. */
  sharedParts(): string[] {
    return this.#codec.exportShared()
  }

  /**
   * Takes over a page of a snapshot, into a store that has held nothing else; sharedParts must follow.
   *
   * @param shiftMs added to each expiry.
   * @throws RangeError if this is not the image of a page; then only clear() mends the store.
   */
  restoreImage(image: Buffer, shiftMs: number): void {
    const nowMs = this.#options.now()
    for (const { id, fields } of recordsOf(image)) {
      const { shared, marked, value } = fields
      const expiresAtMs = fields.expiresAtMs + shiftMs
      if (!Number.isFinite(expiresAtMs)) throw new RangeError('a record of a snapshot is damaged')
      if (expiresAtMs <= nowMs) continue
      id.copy(this.#id)
      const found = this.#table.find(this.#idView)
      // A record that was replaced while the snapshot was written can be in it twice: what is marked is newer.
      if (found !== undefined && this.#pages.fields(found).marked && !marked) continue
      if (found !== undefined) this.#remove(found)
      this.#restoredShared = Math.max(this.#restoredShared, shared)
      this.#append({ expiresAtMs, shared, marked, value }, nowMs)
    }
  }

  restoreLogSet(logSet: LogSet): void {
    this.#logSet = logSet
  }

  /** The last step of a restore. @throws RangeError if these are not the parts of the restored pages. */
  restoreSharedParts(texts: readonly string[]): void {
    this.#codec.importShared(texts)
    if (this.#restoredShared >= texts.length)
      throw new RangeError('a snapshot lacks shared parts of verdicts')
  }

  /** Forgets everything: for a restore that failed half-way. */
  clear(): void {
    this.#pages = new RecordPages()
    this.#table = new IdTable(this.#pages)
    this.#codec = new VerdictCodec()
    this.#positions.clear()
    this.#logSet = NO_LOGS
    this.#restoredShared = -1
  }

  get #isFull(): boolean {
    return this.#table.size >= this.#options.idsMax
  }

  /** Leaves the bytes of the id in #id. */
  #find(pcsId: string): Locator | undefined {
    if (this.#id.write(pcsId, 'hex') !== 32) throw new RangeError('a pcs_id has 64 hex characters')
    return this.#table.find(this.#idView)
  }

  #read(locator: Locator, pcsId: string): IndexEntry {
    const fields = this.#pages.fields(locator)
    const { expiresAtMs, marked } = fields
    return { verdict: this.#codec.decode(pcsId, fields), expiresAtMs, marked }
  }

  #hasVerdict(locator: Locator, verdict: StoredVerdict): boolean {
    const { shared, value } = this.#codec.encode(verdict)
    const fields = this.#pages.fields(locator)
    return fields.shared === shared && Buffer.compare(fields.value, value) === 0
  }

  /** The bytes of the id are in #id. */
  #insert({ verdict, expiresAtMs, marked }: IndexEntry, nowMs: number): void {
    const { shared, value } = this.#codec.encode(verdict)
    this.#append({ expiresAtMs, shared, marked, value }, nowMs)
  }

  #append(fields: RecordFields, nowMs: number): void {
    const slice = this.#sliceFor(fields.expiresAtMs, nowMs)
    this.#table.add(this.#pages.append(slice, this.#id, fields))
    this.#changes += 1
  }

  #remove(locator: Locator): void {
    this.#table.remove(locator)
    this.#pages.remove(locator)
    this.#changes += 1
  }

  /** An expiry beyond all slices is looked at again when the last of them has come, so that they stay few. */
  #sliceFor(expiresAtMs: number, nowMs: number): number {
    const last = this.#sliceOf(nowMs) + SLICES_PER_TTL + 1
    return Math.min(this.#sliceOf(expiresAtMs), last)
  }

  #sliceOf(timeMs: number): number {
    return Math.floor(timeMs / this.#sliceMs)
  }

  #sweep(recordsMax: number, nowMs: number): number {
    const current = this.#sliceOf(nowMs)
    return this.#pages.sweep(recordsMax, current, (locator) => {
      const expiresAtMs = this.#pages.expiresAtMs(locator)
      if (expiresAtMs <= nowMs) {
        this.#remove(locator)
        return true
      }
      // It was renewed, or lies beyond all slices.
      if (this.#sliceOf(expiresAtMs) <= current) return false
      const moved = this.#pages.copy(this.#sliceFor(expiresAtMs, nowMs), locator)
      this.#table.move(locator, moved)
      this.#pages.remove(locator)
      return true
    })
  }
}
