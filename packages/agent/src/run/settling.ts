/** What differs between two states of a file. */
export interface FileState {
  readonly inode: number
  readonly sizeBytes: number
  readonly modifiedMs: number
}

export function sameState(a: FileState, b: FileState): boolean {
  return a.inode === b.inode && a.sizeBytes === b.sizeBytes && a.modifiedMs === b.modifiedMs
}

/**
 * Which files nobody writes to any more. A file is complete when it has not changed for the settle time: by its
 * own time of change when it is first seen (one that was renamed into the directory is complete at once, if it
 * was finished long enough before), or since this process first saw it as it is now.
 */
export class Settling {
  readonly #settleMs: number
  readonly #seen = new Map<string, { readonly state: FileState; readonly sinceMs: number }>()

  constructor(settleMs: number) {
    this.#settleMs = settleMs
  }

  /**
   * @param monotonicMs the time by which waits are measured
   * @param wallMs the time by which files are dated
   */
  isComplete(name: string, state: FileState, monotonicMs: number, wallMs: number): boolean {
    const before = this.#seen.get(name)
    if (before && sameState(before.state, state)) return monotonicMs - before.sinceMs >= this.#settleMs
    const quietMs = Math.min(Math.max(0, wallMs - state.modifiedMs), this.#settleMs)
    this.#seen.set(name, { state, sinceMs: monotonicMs - quietMs })
    return quietMs >= this.#settleMs
  }

  /** Forgets files that are no longer there. */
  keepOnly(names: ReadonlySet<string>): void {
    for (const name of this.#seen.keys()) if (!names.has(name)) this.#seen.delete(name)
  }
}
