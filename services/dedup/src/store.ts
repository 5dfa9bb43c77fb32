import type { wal } from '@fractal-lba/proto'

/** A verdict with all its parts. */
export type StoredVerdict = { readonly [Part in keyof wal.Verdict]: NonNullable<wal.Verdict[Part]> }

/** What is remembered under a pcs_id, which is verdict.outcome.pcsId. */
export interface Entry {
  readonly verdict: StoredVerdict
  /** From this moment on it is as if it had never been. Milliseconds since 1970, by the clock of the store. */
  readonly expiresAtMs: number
  /** Its first mark has been read back from the log, and expiresAtMs counts from that. */
  readonly marked: boolean
}

export interface StoreState {
  /** False while nothing can be asked of the store. */
  readonly up: boolean
  /** How many ids are remembered; those that have just expired may still be counted. */
  readonly remembered: number
  /** Why no further id may be remembered (or nothing be asked), and what to do; undefined while there is room. */
  readonly refusal: string | undefined
}

/**
 * Remembers verdicts until they expire, and never forgets one to make room. The first write wins, atomically,
 * whoever else writes. Every operation takes a batch and answers in its order; ids may be repeated in it.
 * An entry that has expired is absent at once, whether or not it still takes up room.
 *
 * A store may be shared by several processes and outlive them. Then it answers only while it is held under the
 * generation that this process has begun or adopted, and fails as NotHeld otherwise; every other failure is
 * unavailable, in bounded time.
 *
 * Whatever lies behind it, store.contract.ts says what a store must do.
 */
export interface Store {
  /** The value of DEDUP_BACKEND. */
  readonly backend: 'memory' | 'redis' | 'postgres'

  getMany(pcsIds: readonly string[]): Promise<(Entry | undefined)[]>

  /**
   * For each entry the one that stands now: the very object that was given where it has been put, what was
   * there before where it has not, undefined where the id is new and there is no room for it.
   * Of several entries with one id in a batch the first wins.
   */
  putManyIfAbsent(entries: readonly Entry[]): Promise<(Entry | undefined)[]>

  /**
   * For each entry, which a mark tells of, whether this very verdict stands. Where it does, it is marked from now
   * on, and expires when the first of its marks says: at the earliest of those times.
   */
  confirmMany(entries: readonly Entry[]): Promise<boolean[]>

  /** Puts, whatever stood there and whether or not there is room; of one id in a batch the last wins. */
  overwriteMany(entries: readonly Entry[]): Promise<void>

  /** Lets the entries that have no mark yet expire at another time; the others stay as they are. */
  renewUnmarked(pcsIds: readonly string[], expiresAtMs: number): Promise<void>

  /** Up to which position of each log (by log_id, exclusive) the store holds what the marks say. */
  positions(): Promise<ReadonlyMap<string, number>>
  /** After everything that it says was written. */
  setPosition(logId: string, nextSequence: number): Promise<void>

  /**
   * The generation under which it was filled, by whichever process; empty while it is not: at first, while it is
   * being filled, and when it may have lost something since. The positions count nevertheless.
   */
  heldGeneration(): Promise<string>
  /** Goes by the generation under which another process has filled it. @throws NotHeld if it is no more. */
  adopt(generation: string): Promise<void>
  /** From now on it is being filled under this generation, and whoever goes by another one gets no answer. */
  begin(generation: string): Promise<void>
  /** It is filled under the generation that this process has begun. @throws NotHeld if it is another one's. */
  complete(): Promise<void>

  /** Whether this process, and no other, fills and follows for now; again renews it. It ends by itself in time. */
  claim(): Promise<boolean>
  release(): Promise<void>

  /** As last seen; a store behind a network looks by itself. */
  state(): StoreState

  close(): Promise<void>
}
