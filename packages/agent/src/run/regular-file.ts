import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants

/**
 * Opens a file of a directory to which others write. A link is not followed, and a pipe does not block: both are no
 * regular files.
 *
 * @returns undefined when there is no regular file of that name
 */
export async function openRegular(path: string): Promise<FileHandle | undefined> {
  const file = await openUnfollowed(path)
  if (file === undefined || (await file.stat()).isFile()) return file
  await file.close()
  return undefined
}

async function openUnfollowed(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  } catch (error) {
    // ELOOP: a link; ENXIO: a socket
    if (isMissing(error) || hasCode(error, 'ELOOP') || hasCode(error, 'ENXIO')) return undefined
    throw error
  }
}

export function isMissing(error: unknown): boolean {
  return hasCode(error, 'ENOENT')
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
