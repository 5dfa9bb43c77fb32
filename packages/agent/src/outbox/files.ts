import { rm } from 'node:fs/promises'
import { type Files, nodeFiles } from '@fractal-lba/wal'

/** What the outbox asks of a file system: what its log asks for, and to remove a log as a whole. */
export interface OutboxFiles extends Files {
  /** With all that is in it; does nothing when there is none. */
  removeDirectory(directory: string): Promise<void>
}

/** The real file system. */
export const nodeOutboxFiles: OutboxFiles = {
  ...nodeFiles,
  removeDirectory: (directory) => rm(directory, { recursive: true, force: true }),
}

/** Reads a small file whole; undefined when there is none. */
export async function readSmall(files: Files, path: string): Promise<Buffer | undefined> {
  const file = await openExisting(files, path)
  if (file === undefined) return undefined
  try {
    const content = Buffer.alloc(await file.size())
    let length = 0
    while (length < content.length) {
      const read = await file.read(content.subarray(length), length)
      if (read === 0) break
      length += read
    }
    return content.subarray(0, length)
  } finally {
    await file.close()
  }
}

/** Writes all of the bytes: one write may take fewer than it was given. */
export async function writeAll(
  file: Awaited<ReturnType<Files['open']>>,
  bytes: Buffer,
  position: number,
): Promise<void> {
  for (let done = 0; done < bytes.length; ) done += await file.write(bytes.subarray(done), position + done)
}

/** Undefined when there is no such file. */
export async function openExisting(
  files: Files,
  path: string,
  mode: 'read' | 'write' = 'read',
): Promise<Awaited<ReturnType<Files['open']>> | undefined> {
  try {
    return await files.open(path, mode)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}
