import { mkdir, open, readdir, rename, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
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
 * @param target is made; must be empty when it exists
 * @param onCopied called with the bytes of each part that was copied
 */
export async function backUp(
  pinned: PinnedLog,
  target: string,
  onCopied: (sizeBytes: number) => void = () => undefined,
): Promise<Backup> {
  await mkdir(target, { recursive: true, mode: 0o750 })
  if ((await readdir(target)).length > 0) {
    throw new TargetNotEmptyError(`${target} is not empty: a backup needs a directory of its own`)
  }
  // under its name only when all of it is there: nobody takes half a copy for a log
  const partial = join(target, 'partial')
  await mkdir(partial, { mode: 0o750 })
  let sizeBytes = 0
  for (const segment of pinned.segments) sizeBytes += await copySegment(pinned, segment, partial, onCopied)
  await syncDirectory(partial)
  for (const segment of pinned.segments) await rename(join(partial, segment), join(target, segment))
  await rmdir(partial)
  await syncDirectory(target)
  return { segments: pinned.segments.length, sizeBytes }
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
