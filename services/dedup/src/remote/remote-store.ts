import { type ExpiryClock, unavailable } from '@fractal-lba/runtime'
import type { LogSet } from '../index/log-set.js'
import { sameJudgement } from '../index/mark-rule.js'
import type { IndexEntry, Store, StoreState } from '../store.js'
import {
  type Definition,
  EntryCodec,
  expiryOf,
  isEntry,
  isMarked,
  sameVerdict,
  withExpiry,
} from './entry-codec.js'
import { type Item, NEVER_MS, NO_ROOM, type RemoteServer, type Swap } from './remote-server.js'

/** The lease of the fill ends when its process has not renewed it for so long. */
const LEASE_MS = 10_000
/** A race for one id is usually settled by the first swap; a server on which this many fail does not work. */
const SWAP_ROUNDS_MAX = 5
/**
 * The server may still execute a write after this process gave it up. A late overwrite does no harm before its entry
 * expires, because it agrees with the marks. Entries that expire within this time are written by swaps instead.
 */
const LATE_MS_MAX = 300_000

const CHUNK_MAX = 512

/** The marks of one id in a batch. */
interface Confirmation {
  readonly id: Buffer
  readonly marks: { readonly index: number; readonly value: Buffer }[]
}

/** A store on a server that other processes use as well (store.ts): all rules, over any RemoteServer. */
export class RemoteStore implements Store {
  readonly #server: RemoteServer
  readonly #clock: ExpiryClock
  readonly #codec = new EntryCodec()
  /** Names of the definitions that are in the store under this generation. */
  readonly #defined = new Set<string>()
  #filling = false

  constructor(server: RemoteServer, clock: ExpiryClock) {
    this.#server = server
    this.#clock = clock
  }

  get backend(): string {
    return this.#server.backend
  }

  getMany(pcsIds: readonly string[]): Promise<(IndexEntry | undefined)[]> {
    return inChunks(pcsIds, (chunk) => this.#get(chunk))
  }

  putManyIfAbsent(entries: readonly IndexEntry[]): Promise<(IndexEntry | undefined)[]> {
    return inChunks(entries, (chunk) => this.#put(chunk))
  }

  confirmMany(entries: readonly IndexEntry[]): Promise<boolean[]> {
    return inChunks(entries, (chunk) => this.#confirm(chunk))
  }

  async overwriteMany(entries: readonly IndexEntry[]): Promise<void> {
    await inChunks(entries, async (chunk) => {
      await this.#overwrite(chunk)
      return []
    })
  }

  async #get(pcsIds: readonly string[]): Promise<(IndexEntry | undefined)[]> {
    const values = await this.#server.read(pcsIds.map(idOf))
    return this.#standing(pcsIds, values)
  }

  async #put(entries: readonly IndexEntry[]): Promise<(IndexEntry | undefined)[]> {
    const first = new Map<string, IndexEntry>()
    for (const entry of entries) {
      const { pcsId } = entry.verdict.outcome
      if (!first.has(pcsId)) first.set(pcsId, entry)
    }
    const standing = await this.#putEach([...first.values()])
    return entries.map(({ verdict }) => standing.get(verdict.outcome.pcsId))
  }

  async #confirm(entries: readonly IndexEntry[]): Promise<boolean[]> {
    const confirmations = new Map<string, Confirmation>()
    const items = await this.#items(entries)
    for (const [index, { value }] of items.entries()) {
      const pcsId = entries[index]?.verdict.outcome.pcsId ?? ''
      const known = confirmations.get(pcsId)
      if (known) known.marks.push({ index, value })
      else confirmations.set(pcsId, { id: idOf(pcsId), marks: [{ index, value }] })
    }
    const confirmed: boolean[] = new Array(entries.length).fill(false)
    let open = [...confirmations.values()]
    for (let round = 0; open.length > 0; round += 1) {
      if (round === SWAP_ROUNDS_MAX) throw unavailable('the store does not settle what a mark says')
      open = await this.#confirmRound(open, confirmed)
    }
    return confirmed
  }

  async #overwrite(entries: readonly IndexEntry[]): Promise<void> {
    const last = new Map(entries.map((entry) => [entry.verdict.outcome.pcsId, entry]))
    const lastingFromMs = this.#clock.latestMs() + LATE_MS_MAX
    const lasting: IndexEntry[] = []
    const brief: IndexEntry[] = []
    for (const entry of last.values()) (entry.expiresAtMs > lastingFromMs ? lasting : brief).push(entry)
    if (lasting.length > 0) await this.#server.set(await this.#items(lasting))
    if (brief.length > 0) await this.#overwriteBrief(brief)
  }

  async renewUnmarked(pcsIds: readonly string[], expiresAtMs: number): Promise<void> {
    const ids = [...new Set(pcsIds)].map(idOf)
    if (ids.length === 0) return
    const expiredMs = this.#clock.expiredMs()
    const values = await this.#server.read(ids)
    const swaps = ids.flatMap((id, index): Swap[] => {
      const expected = values[index]
      if (!expected || !isEntry(expected) || isMarked(expected) || expiryOf(expected) <= expiredMs) return []
      return [{ id, expected, item: { id, value: withExpiry(expected, expiresAtMs, false), expiresAtMs } }]
    })
    // A swap fails only where the entry has got its mark meanwhile.
    if (swaps.length > 0) await this.#server.swap(swaps)
  }

  async positions(): Promise<ReadonlyMap<string, number>> {
    return (await this.#server.marker()).positions
  }

  setPosition(logId: string, nextSequence: number): Promise<void> {
    return this.#server.setPosition(logId, nextSequence)
  }

  async filledGeneration(): Promise<string> {
    return (await this.#server.marker()).generation
  }

  async adopt(generation: string): Promise<void> {
    this.#defined.clear()
    this.#filling = false
    await this.#server.adopt(generation)
  }

  async logSet(): Promise<LogSet> {
    return (await this.#server.marker()).logSet
  }

  async begin(generation: string, logSet: LogSet): Promise<void> {
    this.#defined.clear()
    this.#filling = true
    await this.#server.begin(generation, logSet)
  }

  async complete(): Promise<void> {
    await this.#server.complete()
    this.#filling = false
  }

  acquireLease(): Promise<boolean> {
    return this.#server.acquireLease(LEASE_MS)
  }

  releaseLease(): Promise<void> {
    return this.#server.releaseLease()
  }

  state(): StoreState {
    return this.#server.state()
  }

  close(): Promise<void> {
    return this.#server.close()
  }

  /** @returns those that must try again: their entry has changed meanwhile. */
  async #confirmRound(open: readonly Confirmation[], confirmed: boolean[]): Promise<Confirmation[]> {
    const expiredMs = this.#clock.expiredMs()
    const values = await this.#server.read(open.map(({ id }) => id))
    const swaps: { confirmation: Confirmation; swap: Swap }[] = []
    for (const [place, confirmation] of open.entries()) {
      const { id, marks } = confirmation
      const standing = values[place]
      if (!standing || !isEntry(standing) || expiryOf(standing) <= expiredMs) continue
      let firstMs = isMarked(standing) ? expiryOf(standing) : Number.POSITIVE_INFINITY
      for (const { index, value } of marks) {
        if (!sameVerdict(standing, value)) continue
        confirmed[index] = true
        firstMs = Math.min(firstMs, expiryOf(value))
      }
      if (firstMs === Number.POSITIVE_INFINITY || (isMarked(standing) && firstMs === expiryOf(standing)))
        continue
      const item = { id, value: withExpiry(standing, firstMs, true), expiresAtMs: firstMs }
      swaps.push({
        confirmation,
        swap: { id, expected: standing, item: firstMs > expiredMs ? item : undefined },
      })
    }
    if (swaps.length === 0) return []
    const made = await this.#server.swap(swaps.map(({ swap }) => swap))
    return swaps.flatMap(({ confirmation }, index) => {
      if (made[index]) return []
      for (const { index } of confirmation.marks) confirmed[index] = false
      return [confirmation]
    })
  }

  /** By id, what stands in the end; absent: there was no room. */
  async #putEach(entries: readonly IndexEntry[]): Promise<Map<string, IndexEntry>> {
    const settled = new Map<string, IndexEntry>()
    let open = entries
    for (let round = 0; open.length > 0; round += 1) {
      if (round === SWAP_ROUNDS_MAX) throw unavailable('the store does not settle who was first')
      open = await this.#putRound(open, settled)
    }
    return settled
  }

  /** @returns those that must try again: another process has just replaced an expired entry. */
  async #putRound(entries: readonly IndexEntry[], settled: Map<string, IndexEntry>): Promise<IndexEntry[]> {
    const expiredMs = this.#clock.expiredMs()
    const items = await this.#items(entries)
    const added = await this.#server.add(items, expiredMs)
    const standing: { entry: IndexEntry; item: Item; value: Buffer }[] = []
    for (const [index, entry] of entries.entries()) {
      const item = items[index]
      const value = added[index]
      if (!item || value === NO_ROOM) continue
      // The same bytes are this very entry, put by a try of which the answer was lost.
      if (value === undefined || value.equals(item.value)) settled.set(entry.verdict.outcome.pcsId, entry)
      else standing.push({ entry, item, value })
    }
    if (standing.length === 0) return []
    const found = await this.#standing(
      standing.map(({ entry }) => entry.verdict.outcome.pcsId),
      standing.map(({ value }) => value),
    )
    const over: { entry: IndexEntry; swap: Swap }[] = []
    for (const [index, { entry, item, value }] of standing.entries()) {
      const known = found[index]
      if (known) settled.set(entry.verdict.outcome.pcsId, known)
      else over.push({ entry, swap: { id: item.id, expected: value, item } })
    }
    if (over.length === 0) return []
    const swapped = await this.#server.swap(over.map(({ swap }) => swap))
    const again: IndexEntry[] = []
    for (const [index, { entry }] of over.entries()) {
      if (swapped[index]) settled.set(entry.verdict.outcome.pcsId, entry)
      else again.push(entry)
    }
    return again
  }

  /** For entries that expire soon or have expired: even a late write must not replace a new judgement of the id. */
  async #overwriteBrief(entries: readonly IndexEntry[]): Promise<void> {
    let open = entries
    for (let round = 0; open.length > 0; round += 1) {
      if (round === SWAP_ROUNDS_MAX) throw unavailable('the store does not settle what a mark says')
      const expiredMs = this.#clock.expiredMs()
      const items = await this.#items(open)
      const values = await this.#server.read(items.map(({ id }) => id))
      await this.#learnFor(values)
      const swaps: { entry: IndexEntry; swap: Swap }[] = []
      for (const [index, entry] of open.entries()) {
        const [item, expected] = [items[index], values[index]]
        if (!item) continue
        const isAlive = entry.expiresAtMs > expiredMs
        if (isAlive || (expected && this.#mayRemove(expected, entry, expiredMs))) {
          swaps.push({ entry, swap: { id: item.id, expected, item: isAlive ? item : undefined } })
        }
      }
      const made = swaps.length === 0 ? [] : await this.#server.swap(swaps.map(({ swap }) => swap))
      open = swaps.flatMap(({ entry }, index) => (made[index] ? [] : [entry]))
    }
  }

  /** Whether an expired entry removes what stands: not when that is a new judgement of the id. */
  #mayRemove(value: Buffer, entry: IndexEntry, expiredMs: number): boolean {
    const standing = this.#codec.decode(entry.verdict.outcome.pcsId, value)
    return !standing || standing.expiresAtMs <= expiredMs || sameJudgement(standing.verdict, entry.verdict)
  }

  async #items(entries: readonly IndexEntry[]): Promise<Item[]> {
    const fresh = new Map<string, Definition>()
    const items = entries.map((entry): Item => {
      const { value, uses } = this.#codec.encode(entry)
      const name = uses.name.toString('latin1')
      if (!this.#defined.has(name)) fresh.set(name, uses)
      return { id: idOf(entry.verdict.outcome.pcsId), value, expiresAtMs: entry.expiresAtMs }
    })
    // Definitions are written before the entries that use them: a store that loses them loses the entries too.
    if (fresh.size > 0) {
      await this.#server.set(
        [...fresh.values()].map(({ name, value }) => ({ id: name, value, expiresAtMs: NEVER_MS })),
      )
      for (const name of fresh.keys()) this.#defined.add(name)
    }
    return items
  }

  /** The entries that count now. @throws AppError where something stands that has a mark and cannot be read. */
  async #standing(
    pcsIds: readonly string[],
    values: readonly (Buffer | undefined)[],
  ): Promise<(IndexEntry | undefined)[]> {
    const expiredMs = this.#clock.expiredMs()
    await this.#learnFor(values)
    return values.map((value, index) => {
      if (!value) return undefined
      const entry = this.#codec.decode(pcsIds[index] ?? '', value)
      if (entry) return entry.expiresAtMs > expiredMs ? entry : undefined
      // During a fill marks replace it; and a verdict without a mark has not been acknowledged.
      if (this.#filling || (isEntry(value) && !isMarked(value))) return undefined
      throw unavailable('the store holds an entry that cannot be read')
    })
  }

  /** Fetches definitions that other processes have made, each once. */
  async #learnFor(values: readonly (Buffer | undefined)[]): Promise<void> {
    const wanted = new Map<string, Buffer>()
    for (const value of values) {
      const name = value && this.#codec.missingDefinition(value)
      if (name) wanted.set(name.toString('latin1'), name)
    }
    if (wanted.size === 0) return
    const names = [...wanted.values()]
    const definitions = await this.#server.read(names)
    for (const [index, name] of names.entries()) {
      const value = definitions[index]
      if (value) this.#codec.learn({ name, value })
    }
  }
}

/** One chunk after the other, so that each is answered well in time. */
async function inChunks<Item, Result>(
  items: readonly Item[],
  work: (chunk: readonly Item[]) => Promise<Result[]>,
): Promise<Result[]> {
  if (items.length <= CHUNK_MAX) return items.length === 0 ? [] : work(items)
  const results: Result[] = []
  for (let from = 0; from < items.length; from += CHUNK_MAX) {
    results.push(...(await work(items.slice(from, from + CHUNK_MAX))))
  }
  return results
}

function idOf(pcsId: string): Buffer {
  if (!/^[0-9a-f]{64}$/.test(pcsId)) throw new RangeError('a pcs_id has 64 hex characters')
  return Buffer.from(pcsId, 'hex')
}
