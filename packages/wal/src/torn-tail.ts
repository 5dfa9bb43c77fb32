import { join } from 'node:path'
import { isNoSpace, WalError } from './errors.js'
import type { WalEvent } from './events.js'
import { type Files, type OpenFile, readFully, withFile, writeFully, writeZeros } from './files.js'
import { freeName } from './format.js'
import { firstNonZero } from './scan.js'

const COPY_BYTES = 1 << 20

/** A torn tail that is to be cut off before the segment may be appended to. */
export interface TornTail {
  readonly directory: string
  /** file name of the segment */
  readonly segment: string
  readonly file: OpenFile
  /** where the first damaged byte is */
  readonly start: number
  /** end of the file */
  readonly end: number
}

/**
 * Sets the torn bytes aside in `<segment>.torn`, durably, then overwrites them with flushed zeros, so that no
 * stale frame can be met behind later ones. Rejects with `out_of_space` (having changed nothing) when there
 * is no room for the copy.
 */
export async function cutTornTail(files: Files, torn: TornTail): Promise<WalEvent> {
  const end = await lastNonZero(torn)
  const copy = freeName(`${torn.segment}.torn`, new Set(await files.list(torn.directory)))
  const copyPath = join(torn.directory, copy)
  try {
    await withFile(files, copyPath, 'create', async (target) => {
      await copyRange(torn, end, target)
      await target.datasync()
    })
  } catch (error) {
    if (!isNoSpace(error)) throw error
    await files.unlink(copyPath)
    throw new WalError('out_of_space', 'There is no room to set a torn tail aside; free some space.', error)
  }
  await files.syncDirectory(torn.directory)
  await writeZeros(torn.file, torn.start, end)
  await torn.file.datasync()
  const { segment, start: offset } = torn
  return { type: 'torn_tail', segment, offset, sizeBytes: end - offset, copy }
}

async function copyRange(torn: TornTail, end: number, target: OpenFile): Promise<void> {
  const buffer = Buffer.allocUnsafe(Math.min(COPY_BYTES, end - torn.start))
  for (let position = torn.start; position < end; position += COPY_BYTES) {
    const part = buffer.subarray(0, Math.min(COPY_BYTES, end - position))
    const read = await readFully(torn.file, part, position)
    await writeFully(target, part.subarray(0, read), position - torn.start)
  }
}

/** End of the last byte that is not zero, from the start of the damage on. */
async function lastNonZero(torn: TornTail): Promise<number> {
  const buffer = Buffer.allocUnsafe(Math.min(COPY_BYTES, torn.end - torn.start))
  let last = torn.start
  for (let position = torn.start; position < torn.end; position += COPY_BYTES) {
    const part = buffer.subarray(0, Math.min(COPY_BYTES, torn.end - position))
    const read = await readFully(torn.file, part, position)
    const bytes = part.subarray(0, read)
    if (firstNonZero(bytes, 0) >= 0) last = position + lastNonZeroIndex(bytes) + 1
  }
  return last
}

function lastNonZeroIndex(bytes: Buffer): number {
  let index = bytes.length - 1
  while (index >= 0 && bytes[index] === 0) index--
  return index
}
