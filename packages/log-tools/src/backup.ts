import { chmod, mkdtemp, open, readdir, rename, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { makeDirectory } from '@fractal-lba/runtime/make-directory'
import type { PinnedLog } from './pinned-log.js'

/** What was copied. */
export interface Backup {
  readonly segments: number
  readonly sizeBytes: number
}

/** The directory for a backup already holds something. */
export class TargetNotEmptyError extends Error {
  override readonly name = 'TargetNotEmptyError'
}

const STEP_BYTES = 1 << 20

/**
 * Writes the segments of a pinned log to a new directory, flushed. They are the log as it was when it was pinned:
 * what was acknowledged by then is in the copy, and the last flush group of it may be torn, as after a crash.
 *
 * The copy is made beside its place, in TARGET.partial-…, and gets its name by one rename: who is killed before leaves
 * nothing that could be taken for a log.
 *
 * @param target is made; must be empty when it exists, and no mount point
 * @param onCopied called with the bytes of each part that was copied
 */
export async function backUp(
  pinned: PinnedLog,
  target: string,
  onCopied: (sizeBytes: number) => void = () => undefined,
): Promise<Backup> {
  const place = resolve(target)
  const parent = dirname(place)
  if (await holdsSomething(place)) {
    throw new TargetNotEmptyError(`${target} is not empty: a backup needs a directory of its own`)
  }
  await makeDirectory(parent, 0o750)
  const partial = await mkdtemp(`${place}.partial-`)
  try {
    await chmod(partial, 0o750)
    let sizeBytes = 0
    for (const segment of pinned.segments) sizeBytes += await copySegment(pinned, segment, partial, onCopied)
    await syncDirectory(partial)
    await rename(partial, place)
    await syncDirectory(parent)
    return { segments: pinned.segments.length, sizeBytes }
  } catch (error) {
    await rm(partial, { recursive: true, force: true })
    throw error
  }
}

async function holdsSomething(directory: string): Promise<boolean> {
  try {
    return (await readdir(directory)).length > 0
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false
    throw error
  }
}

async function copySegment(
  pinned: PinnedLog,
  segment: string,
  directory: string,
  onCopied: (sizeBytes: number) => void,
): Promise<number> {
  const file = await open(join(directory, segment), 'wx', 0o640)
  try {
    let position = 0
    for (;;) {
      const part = await pinned.read(segment, position, STEP_BYTES)
      if (part.length === 0) break
      await file.writeFile(part)
      position += part.length
      onCopied(part.length)
    }
    await file.sync()
    return position
  } finally {
    await file.close()
  }
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
