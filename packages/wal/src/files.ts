/**
 * `read`: an existing file, for reading. `write`: an existing file, for reading and writing. `create`: a
 * new file; fails with EEXIST when the name is taken.
 */
export type OpenMode = 'read' | 'write' | 'create'

/** An open file. Every call may fail with a system error, which has a `code` (`ENOSPC`, `EIO`). */
export interface OpenFile {
  /** One pwrite: the number of bytes written, which may be fewer than asked (`writeFully` asks again). */
  write(bytes: Buffer, position: number): Promise<number>
  /** One pread into `target`: the number of bytes read, which may be fewer than asked; 0 at the end. */
  read(target: Buffer, position: number): Promise<number>
  /** fdatasync: resolves when everything written to this file before is on the disk. */
  datasync(): Promise<void>
  truncate(sizeBytes: number): Promise<void>
  size(): Promise<number>
  close(): Promise<void>
}

/** What the log asks of a file system; tests put a simulated one in its place. */
export interface Files {
  open(path: string, mode: OpenMode): Promise<OpenFile>
  /** Atomic; replaces `to` if it exists. */
  rename(from: string, to: string): Promise<void>
  unlink(path: string): Promise<void>
  /** Names in the directory, in any order. */
  list(directory: string): Promise<string[]>
  /** Makes the directory and its missing parents, durably. Does nothing when it exists. */
  makeDirectory(directory: string): Promise<void>
  /** fsync of a directory: creations, renames and removals in it are on the disk. */
  syncDirectory(directory: string): Promise<void>
  /** Bytes that may still be written to the file system of that directory. */
  freeBytes(directory: string): Promise<number>
  /** Makes this process the only writer of the directory, or rejects with the WalError `locked`. */
  lock(directory: string): Promise<DirectoryLock>
}

/** Held until released, or until the process ends, however it ends. */
export interface DirectoryLock {
  /** False when the lock's name is gone from the directory: it was removed, replaced or unmounted meanwhile. */
  holds(): Promise<boolean>
  release(): Promise<void>
}

/** Writes all of `bytes` at `position`: a write may take fewer bytes than it was given. */
export async function writeFully(file: OpenFile, bytes: Buffer, position: number): Promise<void> {
  let done = 0
  while (done < bytes.length) {
    const written = await file.write(done === 0 ? bytes : bytes.subarray(done), position + done)
    if (written <= 0) throw new Error(`a write of ${bytes.length - done} bytes wrote nothing`)
    done += written
  }
}

/** Fills `target` from `position` on; gives the number of bytes read, fewer only at the end of the file. */
export async function readFully(file: OpenFile, target: Buffer, position: number): Promise<number> {
  let done = 0
  while (done < target.length) {
    const read = await file.read(done === 0 ? target : target.subarray(done), position + done)
    if (read === 0) break
    done += read
  }
  return done
}

const ZEROS = Buffer.alloc(1 << 20)

/** Overwrites the range with zeros. */
export async function writeZeros(file: OpenFile, start: number, end: number): Promise<void> {
  for (let position = start; position < end; position += ZEROS.length) {
    await writeFully(file, ZEROS.subarray(0, Math.min(ZEROS.length, end - position)), position)
  }
}

/** Uses an open file and closes it, whatever happens. */
export async function withFile<Result>(
  files: Files,
  path: string,
  mode: OpenMode,
  use: (file: OpenFile) => Promise<Result>,
): Promise<Result> {
  const file = await files.open(path, mode)
  let result: Result
  try {
    result = await use(file)
  } catch (error) {
    await file.close().catch(() => undefined) // the first error is the cause
    throw error
  }
  await file.close()
  return result
}
