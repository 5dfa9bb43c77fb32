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
 * For how long files have been left alone. Only this process's own sightings count: the time stamp of a file says
 * nothing, because whoever copies a file may set it to that of the original while half of it is there.
 */
export class Settling {
  readonly #seen = new Map<string, { readonly state: FileState; readonly sinceMs: number }>()

  /** @returns since when a file has looked as it does now, in ms ago; undefined at its first sighting in that state */
  quietMs(name: string, state: FileState, monotonicMs: number): number | undefined {
    const before = this.#seen.get(name)
    if (before && sameState(before.state, state)) return monotonicMs - before.sinceMs
    this.#seen.set(name, { state, sinceMs: monotonicMs })
    return undefined
  }

  /** Forgets files that are no longer there. */
  keepOnly(names: ReadonlySet<string>): void {
    for (const name of this.#seen.keys()) if (!names.has(name)) this.#seen.delete(name)
  }
}
