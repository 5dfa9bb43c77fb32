import type { StoreState } from '../store.js'

/** Never expires. */
export const NEVER_MS = Number.MAX_SAFE_INTEGER

/** What is to stand under an id: 32 bytes for an entry; shorter ones are the store's own. */
export interface Item {
  readonly id: Buffer
  readonly value: Buffer
  /** From then on it may be removed by the server; whether it still counts is said by its value. */
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

/** What a store says of itself. */
export interface Marker {
  /**
   * The generation under which it was filled; empty while it is being filled, and when it may have lost something
   * since: emptied, restarted, replaced, brought back from a copy.
   */
  readonly generation: string
  /** Up to where it holds the marks of each log, also when it has been set back. */
  readonly positions: ReadonlyMap<string, number>
}

/**
 * A server that several processes share: plain bytes under ids, each change atomic by itself. No rule is here but
 * one: what is read or written counts only while the server is held under the generation that this process goes by
 * and is the very one that was filled. That is looked up together with the operation, so that no answer comes from
 * a store that has lost something since.
 *
 * Every operation fails as unavailable, in bounded time: no answer, refused, or not held (any more).
 */
export interface RemoteServer {
  readonly backend: 'redis' | 'postgres'
  read(ids: readonly Buffer[]): Promise<(Buffer | undefined)[]>
  /** Ids must not be repeated, here and below. */
  add(items: readonly Item[], nowMs: number): Promise<Added[]>
  set(items: readonly Item[]): Promise<void>
  /** @returns whether each was made. */
  swap(swaps: readonly Swap[]): Promise<boolean[]>

  marker(): Promise<Marker>
  /** Goes by this generation from now on, which must be the one in the marker. */
  adopt(generation: string): Promise<void>
  /** Puts a new generation into the marker, not yet complete, and goes by it. */
  begin(generation: string): Promise<void>
  /** The generation that this process has begun is complete. */
  complete(): Promise<void>
  setPosition(logId: string, nextSequence: number): Promise<void>

  /** One process at a time, for so long; again by the same one renews it. */
  claim(forMs: number): Promise<boolean>
  release(): Promise<void>

  state(): StoreState
  close(): Promise<void>
}
