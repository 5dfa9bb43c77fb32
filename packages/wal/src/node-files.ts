import * as fs from 'node:fs'
import { dirname, parse, resolve } from 'node:path'
import { makeDirectory } from '@fractal-lba/runtime/make-directory'
import { systemCode } from './errors.js'
import type { DirectoryLock, Files, OpenFile, OpenMode } from './files.js'
import { lockDirectory } from './lock.js'

const OPEN_FLAGS: Record<OpenMode, number> = {
  read: fs.constants.O_RDONLY,
  write: fs.constants.O_RDWR,
  create: fs.constants.O_RDWR | fs.constants.O_CREAT | fs.constants.O_EXCL,
}

/** Calls with callbacks, made into promises here: file handles of `fs/promises` cost twice as much. */
function settle(run: (done: (error: Error | null) => void) => void): Promise<void> {
  return new Promise((resolvePromise, reject) => {
    run((error) => (error === null ? resolvePromise() : reject(error)))
  })
}

function settleWith<Value>(run: (done: (error: Error | null, value: Value) => void) => void): Promise<Value> {
  return new Promise((resolvePromise, reject) => {
    run((error, value) => (error === null ? resolvePromise(value) : reject(error)))
  })
}

class NodeFile implements OpenFile {
  readonly #fd: number

  constructor(fd: number) {
    this.#fd = fd
  }

  write(bytes: Buffer, position: number): Promise<number> {
    return settleWith((done) => fs.write(this.#fd, bytes, 0, bytes.length, position, done))
  }

  read(target: Buffer, position: number): Promise<number> {
    return settleWith((done) => fs.read(this.#fd, target, 0, target.length, position, done))
  }

  datasync(): Promise<void> {
    return settle((done) => fs.fdatasync(this.#fd, done))
  }

  truncate(sizeBytes: number): Promise<void> {
    return settle((done) => fs.ftruncate(this.#fd, sizeBytes, done))
  }

  async size(): Promise<number> {
    const stats = await settleWith<fs.Stats>((done) => fs.fstat(this.#fd, done))
    return stats.size
  }

  close(): Promise<void> {
    return settle((done) => fs.close(this.#fd, done))
  }
}

/** The real file system. */
export const nodeFiles: Files = {
  async open(path: string, mode: OpenMode): Promise<OpenFile> {
    return new NodeFile(await settleWith<number>((done) => fs.open(path, OPEN_FLAGS[mode], 0o640, done)))
  },

  rename(from: string, to: string): Promise<void> {
    return fs.promises.rename(from, to)
  },

  unlink(path: string): Promise<void> {
    return fs.promises.unlink(path)
  },

  list(directory: string): Promise<string[]> {
    return fs.promises.readdir(directory)
  },

  async makeDirectory(directory: string): Promise<void> {
    const target = resolve(directory)
    await makeDirectory(target, 0o750)
    // a new name is durable only when its directory is flushed; the directories may be new,
    // made now or by a process that died before it could flush them: so all of them are flushed
    for (let holder = dirname(target); ; holder = dirname(holder)) {
      if (!(await syncIfReadable(holder)) || holder === parse(holder).root) return
    }
  },

  syncDirectory,

  async freeBytes(directory: string): Promise<number> {
    const stats = await fs.promises.statfs(directory)
    return stats.bavail * stats.bsize
  },

  lock(directory: string): Promise<DirectoryLock> {
    return lockDirectory(directory)
  },
}

/** False where this process may not read: then another user made the directory. */
async function syncIfReadable(directory: string): Promise<boolean> {
  try {
    await syncDirectory(directory)
    return true
  } catch (error) {
    if (['EACCES', 'EPERM', 'EROFS', 'EINVAL'].includes(systemCode(error) ?? '')) return false
    throw error
  }
}

async function syncDirectory(directory: string): Promise<void> {
  const fd = await settleWith<number>((done) => fs.open(directory, fs.constants.O_RDONLY, done))
  try {
    await settle((done) => fs.fsync(fd, done))
  } finally {
    await settle((done) => fs.close(fd, done))
  }
}
