import type { MarkTally } from './apply-marks.js'

/** The result of a fill from the beginning of all logs. */
export interface RebuildTally {
  readonly generation: string
  readonly read: number
  readonly corrected: number
  readonly conflicts: number
  readonly unreadable: number
}

const NOTHING = { read: 0, corrected: 0, conflicts: 0, unreadable: 0 }

/** A rebuild that an operator has requested; further requests wait for the same one. */
export class RequestedRebuild {
  readonly done: Promise<RebuildTally>
  #resolve: (tally: RebuildTally) => void = () => {}
  #counts = { ...NOTHING }

  constructor() {
    this.done = new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  /** Called again when an earlier attempt could not be finished. */
  begin(): void {
    this.#counts = { ...NOTHING }
  }

  add({ read, corrected, conflicts, unreadable }: MarkTally): void {
    const counts = this.#counts
    counts.read += read
    counts.corrected += corrected
    counts.conflicts += conflicts.length
    counts.unreadable += unreadable.length
  }

  finish(generation: string): void {
    this.#resolve({ ...this.#counts, generation })
  }
}
