import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Paths of a log's segments, the oldest first. */
export async function segmentPaths(directory: string): Promise<string[]> {
  const names = await readdir(directory)
  return names
    .filter((name) => name.endsWith('.seg'))
    .sort()
    .map((name) => join(directory, name))
}

/** Where the written part of a segment ends, if its last byte is none; behind it are the zeros that were written ahead. */
export async function writtenEnd(path: string): Promise<number> {
  return (await readFile(path)).findLastIndex((byte) => byte !== 0) + 1
}
