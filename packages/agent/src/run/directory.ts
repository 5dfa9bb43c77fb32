import { hash } from 'node:crypto'
import { lstat, opendir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeDirectory } from '@fractal-lba/runtime/make-directory'
import { isCsvName } from './file-identity.js'
import type { NeverShippedByReason, NeverShippedFiles, NeverShippedReason } from './never-shipped.js'
import { isMissing, openRegular } from './regular-file.js'
import type { FileState } from './settling.js'

const DONE = 'done'
const FAILED = 'failed'
const LINE_FEED = 0x0a
/** Files looked at in one round; the others have their turn when these have been moved away. */
const NAMES_MAX = 10_000
/** File systems take 255; a number and `.error.txt` must still fit behind it. */
const NAME_BYTES_MAX = 230

const byNumberThenText = new Intl.Collator('en', { numeric: true })

export interface Look {
  /** Of files that may be shipped, numbers in them in order of their value. */
  readonly names: readonly string[]
  readonly neverShipped: NeverShippedByReason
}

/** The watched directory: CSV files come into it, `done/` and `failed/` below it are where they go. */
export class WatchedDirectory {
  readonly path: string
  readonly #namesMax: number

  constructor(path: string, namesMax = NAMES_MAX) {
    this.path = path
    this.#namesMax = namesMax
  }

  /** Makes `done/` and `failed/`. */
  async prepare(): Promise<void> {
    for (const name of [DONE, FAILED]) await makeDirectory(join(this.path, name))
  }

  /** What is there. Files that are never shipped take no place among the names. */
  async look(): Promise<Look> {
    const names: string[] = []
    const neverShipped: Partial<Record<NeverShippedReason, NeverShippedFiles>> = {}
    for await (const { name } of await opendir(this.path)) {
      if (!isCsvName(name)) continue
      const reason = await this.#whyNeverShipped(name)
      if (reason === undefined) names.push(name)
      else neverShipped[reason] = { count: (neverShipped[reason]?.count ?? 0) + 1, example: name }
      if (names.length === this.#namesMax) break
    }
    return { names: names.sort(byNumberThenText.compare), neverShipped }
  }

  async #whyNeverShipped(name: string): Promise<NeverShippedReason | undefined> {
    try {
      const stats = await lstat(join(this.path, name))
      if (!stats.isFile()) return 'not_regular'
      return stats.size === 0 ? 'empty' : undefined
    } catch (error) {
      if (!isMissing(error)) throw error
      // Bytes that are no UTF-8 were replaced in the name, and there is no file of the name that came of it.
      return name.includes('\ufffd') ? 'not_utf8' : undefined
    }
  }

  /** Undefined when there is no regular file of that name (any more); a link is none. */
  async state(name: string): Promise<FileState | undefined> {
    try {
      const stats = await lstat(join(this.path, name))
      if (!stats.isFile()) return undefined
      return { inode: stats.ino, sizeBytes: stats.size, modifiedMs: stats.mtimeMs }
    } catch (error) {
      if (isMissing(error)) return undefined
      throw error
    }
  }

  /** Whether the last byte of a file ends a line; false when there is no such file (any more). */
  async endsInNewline(name: string): Promise<boolean> {
    const file = await openRegular(join(this.path, name))
    if (file === undefined) return false
    try {
      const { size } = await file.stat()
      const { bytesRead, buffer } = await file.read(Buffer.alloc(1), 0, 1, Math.max(0, size - 1))
      return bytesRead === 1 && buffer[0] === LINE_FEED
    } finally {
      await file.close()
    }
  }

  /** Moves a shipped file to `done/`. */
  async moveToDone(name: string): Promise<void> {
    await rename(join(this.path, name), await this.#freePath(DONE, name))
  }

  /** Moves a file to `failed/`, with a text beside it that says why. */
  async moveToFailed(name: string, why: string): Promise<void> {
    const path = await this.#freePath(FAILED, name)
    // The text comes first: after a crash in between, a moved file without it would not show what is wrong.
    await writeFile(`${path}.error.txt`, `${why}\n`)
    await rename(join(this.path, name), path)
  }

  /**
   * A file of that name may have come before: none is overwritten. A number that is free is looked for by doubling
   * and halving, because there may be many thousands.
   */
  async #freePath(folder: string, name: string): Promise<string> {
    const kept = withRoom(name)
    const pathOf = (number: number): string =>
      join(this.path, folder, number === 1 ? kept : `${kept}.${number}`)
    let taken = 0
    let free = 1
    while (await exists(pathOf(free))) {
      taken = free
      free *= 2
    }
    while (free - taken > 1) {
      const middle = Math.floor((taken + free) / 2)
      if (await exists(pathOf(middle))) taken = middle
      else free = middle
    }
    return pathOf(free)
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path)
    return true
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
}

/** The name, or a shorter one by which the file can still be recognised, if nothing could be added to it. */
function withRoom(name: string): string {
  if (Buffer.byteLength(name) <= NAME_BYTES_MAX) return name
  const digest = hash('sha256', name).slice(0, 12)
  let stem = name
  while (Buffer.byteLength(stem) > NAME_BYTES_MAX - digest.length - 5) stem = stem.slice(0, -1)
  return `${stem}-${digest}.csv`
}
