import type { ExpiryClock, Logger } from '@fractal-lba/runtime'
import type { LogSet } from '../index/log-set.js'
import type { StoreState } from '../store.js'

/** What every server is opened with. */
export interface RemoteServerOptions {
  /** How long one operation may take. */
  readonly timeoutMs: number
  readonly clock: ExpiryClock
  readonly logger: Logger
}

/** Never expires. */
export const NEVER_MS = Number.MAX_SAFE_INTEGER

/** What is to stand under an id: 32 bytes for an entry; shorter ones are the store's own. */
export interface Item {
  readonly id: Buffer
  readonly value: Buffer
  /** From then on the server may remove it; whether the entry has expired is decided by its value. */
  readonly expiresAtMs: number
}

/** A change that is made only where exactly this stands. */
export interface Swap {
  readonly id: Buffer
  /** undefined: nothing. */
  readonly expected: Buffer | undefined
  /** undefined: it is removed. */
  readonly item: Item | undefined
}

/** What an add came to: undefined where it was put; what stands there; or no room for anything new. */
export type Added = Buffer | undefined | typeof NO_ROOM
export const NO_ROOM: unique symbol = Symbol('no room')

/** What a store keeps about its own fill. */
export interface Marker {
  /**
   * The generation under which it was filled; empty while it is being filled, and when it may have lost something
   * since: emptied, restarted, replaced, brought back from a copy.
   */
  readonly generation: string
  /** For each log the position below which all marks are in the store, valid also after it was set back to a copy. */
  readonly positions: ReadonlyMap<string, number>
  /** The logs that it is, or was last, the index of. */
  readonly logSet: LogSet
}

/**
 * A server that several processes share: plain bytes under ids, each change atomic by itself. No rule is here but
 * one: an operation succeeds only while the server is filled under the generation that this process uses, and is the
 * same server with the same data. That is checked together with the operation, so that no answer comes from a store
 * that has lost something since.
 *
 * Every operation fails with an AppError unavailable, in bounded time: no answer, a refusal, or GenerationLost.
 */
export interface RemoteServer {
  /** The value of DEDUP_BACKEND. */
  readonly backend: string
  read(ids: readonly Buffer[]): Promise<(Buffer | undefined)[]>
  /** Ids must not be repeated, here and below. */
  /** @param expiredMs what expires then or before is written over */
  add(items: readonly Item[], expiredMs: number): Promise<Added[]>
  set(items: readonly Item[]): Promise<void>
  /** @returns whether each was made. */
  swap(swaps: readonly Swap[]): Promise<boolean[]>

  marker(): Promise<Marker>
  /** Uses this generation from now on. @throws GenerationLost unless it is the one in the marker. */
  adopt(generation: string): Promise<void>
  /** Puts a new generation into the marker, not yet complete, and uses it from now on. */
  begin(generation: string, logSet: LogSet): Promise<void>
  /** The generation that this process has begun is complete. */
  complete(): Promise<void>
  setPosition(logId: string, nextSequence: number): Promise<void>

  /** Takes or renews the lease of the fill, which one process has at a time. @returns whether it has it now */
  acquireLease(forMs: number): Promise<boolean>
  releaseLease(): Promise<void>

  state(): StoreState
  close(): Promise<void>
}
