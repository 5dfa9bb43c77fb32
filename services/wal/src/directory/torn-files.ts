import { readdir, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'

/** Torn tails that openings of the log have set aside (packages/wal, format.ts): for people, never read again. */
const TORN_NAME = /^[0-9a-f]{16}\.seg\.torn(?:-[0-9]+)?$/

export interface TornFiles {
  readonly kept: number
  readonly removed: number
}

/** Removes the torn tails that were set aside before that moment. */
export async function sweepTornFiles(directory: string, beforeMs: number): Promise<TornFiles> {
  let [kept, removed] = [0, 0]
  for (const name of await readdir(directory)) {
    if (!TORN_NAME.test(name)) continue
    const path = join(directory, name)
    if ((await stat(path)).mtimeMs < beforeMs) {
      await unlink(path)
      removed += 1
    } else kept += 1
  }
  return { kept, removed }
}
