import type { record } from '@fractal-lba/proto'
import { AppError } from '@fractal-lba/runtime'
import type { LogSet } from './index/log-set.js'

/** A verdict with all its parts. */
export type StoredVerdict = { readonly [Part in keyof record.Verdict]: NonNullable<record.Verdict[Part]> }

/** What is remembered under a pcs_id, which is verdict.outcome.pcsId. */
export interface IndexEntry {
  readonly verdict: StoredVerdict
  /** From then on the entry counts as absent. Wall time in ms since 1970, by the clock that the store is given. */
  readonly expiresAtMs: number
  /** A mark of it has been read back from a log, and expiresAtMs is counted from its first mark. */
  readonly marked: boolean
}

export interface StoreState {
  /** False while every operation fails. */
  readonly up: boolean
  /** How many ids are remembered; those that have just expired may still be counted. */
  readonly remembered: number
  /** Why the store takes no new id (or is not up), and what to do; undefined while it takes them. */
  readonly refusal: string | undefined
}

/**
 * The store is not filled under the generation that this process uses: another process is filling it, or it was
 * emptied, restarted or restored from an older copy. The result of the operation must not be used.
 */
export class GenerationLost extends AppError {
  constructor(why: string) {
    super('unavailable', why)
  }
}

/**
 * Remembers verdicts until they expire, and never forgets one to make room. The first write wins, atomically,
 * also among several processes. Every operation takes a batch and answers in its order; ids may be repeated in it.
 * An entry that has expired is absent at once, whether or not it still takes up room.
 *
 * A store may be shared by several processes and outlive them. Then it answers only while it is filled under the
 * generation that this process has begun or adopted, and fails with GenerationLost otherwise. Every other failure is
 * an AppError unavailable, in bounded time.
 *
 * Every implementation passes the suite in store.contract.ts.
 */
export interface Store {
  /** The value of DEDUP_BACKEND. */
  readonly backend: string

  getMany(pcsIds: readonly string[]): Promise<(IndexEntry | undefined)[]>

  /**
   * For each entry the one that stands now: the very object that was given where it has been put, what was
   * there before where it has not, undefined where the id is new and there is no room for it.
   * Of several entries with one id in a batch the first wins.
   */
  putManyIfAbsent(entries: readonly IndexEntry[]): Promise<(IndexEntry | undefined)[]>

  /**
   * For each entry, which was made from a mark, whether its verdict stands in the store. Where it does, the stored entry
   * is marked from now on, and expires at the earliest expiry that its marks give.
   */
  confirmMany(entries: readonly IndexEntry[]): Promise<boolean[]>

  /** Replaces what stands under each id, even when the store is full; of one id in a batch the last wins. */
  overwriteMany(entries: readonly IndexEntry[]): Promise<void>

  /** Lets the entries that have no mark yet expire at another time; the others stay as they are. */
  renewUnmarked(pcsIds: readonly string[], expiresAtMs: number): Promise<void>

  /** For each log, by log_id, the position below which all marks have been applied to the store. */
  positions(): Promise<ReadonlyMap<string, number>>
  /** Called after the marks below this position were written. */
  setPosition(logId: string, nextSequence: number): Promise<void>

  /**
   * The generation under which some process has filled the store. Empty before the first fill, during a fill, and when
   * the store may have lost entries since; the positions are valid even then.
   */
  filledGeneration(): Promise<string>
  /** Uses the generation under which another process has filled the store. @throws GenerationLost if that has changed. */
  adopt(generation: string): Promise<void>
  /** The logs that it is, or was last, the index of; valid as the positions are. */
  logSet(): Promise<LogSet>
  /**
   * Begins a fill from these logs under this generation; operations of processes with another generation fail from now
   * on.
   */
  begin(generation: string, logSet: LogSet): Promise<void>
  /** Ends the fill that this process has begun. @throws GenerationLost if another process has begun one since. */
  complete(): Promise<void>

  /**
   * Takes or renews the lease of the fill: only the process that has it fills the store or follows the marks.
   *
   * @returns false while another process has it. A lease that is not renewed ends after some seconds.
   */
  acquireLease(): Promise<boolean>
  releaseLease(): Promise<void>

  /** As of the last check; a store behind a network checks its server regularly. */
  state(): StoreState

  close(): Promise<void>
}
