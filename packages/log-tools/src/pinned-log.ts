import { readdir } from 'node:fs/promises'
import { basename } from 'node:path'
import { type Files, nodeFiles, type OpenFile } from '@fractal-lba/wal'
import { frozenTail, type ReadableFile } from './frozen-tail.js'
import { NoLogError } from './no-log-error.js'

/** A segment's file name, quarantined ones included (packages/wal, format.ts). */
const SEGMENT_NAME = /^([0-9a-f]{16})\.seg(\.quarantined(?:-[0-9]+)?)?$/

/** How often the directory is read again when segments appear or go meanwhile. */
const TRIES_MAX = 5

/**
 * A log as it was at one moment, for reading only. All its segments are open, so retention and compaction of the
 * process that has the log change nothing here, and what it appends from now on is not seen. `files` gives this to
 * the functions of the log: it takes no lock, and what they would repair is done for them alone, never on the disk.
 */
export interface PinnedLog {
  readonly directory: string
  readonly files: Files
  /** File names of the segments, in order. */
  readonly segments: readonly string[]
  /** All other names in the directory: torn tails, locks, what is being prepared. */
  readonly others: readonly string[]
  /** Bytes of all segments. */
  readonly sizeBytes: number
  /** The name on the disk of a segment that the log would quarantine, from the name it would get. */
  onDisk(name: string): string
  /** All bytes of a range of a segment; fewer at its end. */
  read(segment: string, position: number, sizeBytes: number): Promise<Buffer>
  close(): Promise<void>
}

/**
 * @param onRead called with the number of bytes of each read
 * @throws NoLogError when the directory holds no segment; the system's error when it cannot be read
 */
export async function pinLog(
  directory: string,
  onRead: (sizeBytes: number) => void = () => undefined,
): Promise<PinnedLog> {
  const { names, opened } = await openAll(directory)
  try {
    const active = names
      .filter((name) => SEGMENT_NAME.exec(name)?.[2] === undefined && isSegment(name))
      .at(-1)
    const live = active === undefined ? undefined : opened.get(active)
    // only the last segment is ever written to
    if (active !== undefined && live !== undefined) opened.set(active, await frozenTail(live))
    return await pinned(directory, names, opened, onRead)
  } catch (error) {
    await closeAll(opened)
    throw error
  }
}

async function pinned(
  directory: string,
  names: readonly string[],
  opened: ReadonlyMap<string, ReadableFile>,
  onRead: (sizeBytes: number) => void,
): Promise<PinnedLog> {
  const aliases = new Map<string, string>()
  const onDisk = (name: string): string => aliases.get(name) ?? name
  const find = (name: string): ReadableFile => {
    const file = opened.get(onDisk(name))
    if (file === undefined) throw new Error(`${name} is no segment of the log in ${directory}`)
    return file
  }
  let sizeBytes = 0
  for (const file of opened.values()) sizeBytes += await file.size()
  return {
    directory,
    segments: names.filter(isSegment),
    others: names.filter((name) => !isSegment(name)),
    sizeBytes,
    onDisk,
    files: {
      async open(path, mode) {
        return mode === 'create' ? discarding : readOnly(find(basename(path)), onRead)
      },
      async rename(from, to) {
        aliases.set(basename(to), onDisk(basename(from)))
      },
      unlink: nothing,
      list: async () => [...names],
      makeDirectory: nothing,
      syncDirectory: nothing,
      // no room: nothing is prepared ahead
      freeBytes: async () => 0,
      lock: async () => ({ holds: async () => true, release: nothing }),
    },
    async read(segment, position, sizeBytes) {
      const target = Buffer.alloc(sizeBytes)
      const file = find(segment)
      let done = 0
      while (done < sizeBytes) {
        const read = await file.read(target.subarray(done), position + done)
        if (read === 0) break
        done += read
      }
      return target.subarray(0, done)
    },
    close: () => closeAll(opened),
  }
}

async function openAll(directory: string): Promise<{ names: string[]; opened: Map<string, ReadableFile> }> {
  for (let tries = 1; ; tries++) {
    const names = (await readdir(directory)).sort()
    if (!names.some(isSegment)) throw new NoLogError(directory)
    const opened = new Map<string, ReadableFile>()
    try {
      for (const name of names.filter(isSegment)) {
        opened.set(name, await nodeFiles.open(`${directory}/${name}`, 'read'))
      }
      const after = (await readdir(directory)).sort()
      if (tries === TRIES_MAX || sameSegments(names, after)) return { names, opened }
      await closeAll(opened)
    } catch (error) {
      await closeAll(opened)
      if (tries === TRIES_MAX || !(error instanceof Error && 'code' in error && error.code === 'ENOENT'))
        throw error
    }
  }
}

function isSegment(name: string): boolean {
  return SEGMENT_NAME.test(name)
}

function sameSegments(before: readonly string[], after: readonly string[]): boolean {
  return before.filter(isSegment).join() === after.filter(isSegment).join()
}

async function closeAll(opened: ReadonlyMap<string, ReadableFile>): Promise<void> {
  for (const file of opened.values()) await file.close()
}

async function nothing(): Promise<void> {
  // the disk stays as it is
}

/** What is written to it is gone. */
const discarding: OpenFile = {
  write: async (bytes) => bytes.length,
  read: async () => 0,
  datasync: nothing,
  truncate: nothing,
  size: async () => 0,
  close: nothing,
}

function readOnly(file: ReadableFile, onRead: (sizeBytes: number) => void): OpenFile {
  return {
    ...discarding,
    async read(target, position) {
      const read = await file.read(target, position)
      onRead(read)
      return read
    },
    size: () => file.size(),
  }
}
