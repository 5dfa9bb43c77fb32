import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Directories for the tests of one file; `remove` is to be called after them. */
export class TemporaryFolders {
  readonly #made: string[] = []

  readonly make = (): string => {
    const path = mkdtempSync(join(tmpdir(), 'agent-test-'))
    this.#made.push(path)
    return path
  }

  readonly remove = (): void => {
    for (const path of this.#made.splice(0)) rmSync(path, { recursive: true, force: true })
  }
}
