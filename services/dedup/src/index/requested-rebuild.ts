import type { MarkTally } from './apply-marks.js'

/** What a fill from the beginning of all logs came to. */
export interface RebuildTally {
  readonly generation: string
  readonly read: number
  readonly corrected: number
  readonly conflicts: number
  readonly unreadable: number
}

const NOTHING = { read: 0, corrected: 0, conflicts: 0, unreadable: 0 }

/** A fill from the beginning that somebody has asked for; whoever asks meanwhile waits for the same one. */
export class AskedRebuild {
  readonly done: Promise<RebuildTally>
  #resolve: (tally: RebuildTally) => void = () => {}
  #counts = { ...NOTHING }

  constructor() {
    this.done = new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  /** Also again, where it could not be finished. */
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
