import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readFully, withFile, writeFully, writeZeros } from './files.js'
import { nodeFiles } from './node-files.js'
import { hookedFiles } from './testing/hooked-files.js'
import { type TemporaryDirectory, temporaryDirectory } from './testing/temporary-log.js'

let directory: TemporaryDirectory

beforeEach(async () => {
  directory = await temporaryDirectory()
})

afterEach(() => directory.remove())

describe('the real file system', () => {
  it('writes and reads at positions', async () => {
    const path = directory.file('a')
    await withFile(nodeFiles, path, 'create', async (file) => {
      await writeZeros(file, 0, 3_000_000)
      await writeFully(file, Buffer.from('hello'), 1_500_000)
      await file.datasync()
      expect(await file.size()).toBe(3_000_000)
      await file.truncate(2_000_000)
    })
    await withFile(nodeFiles, path, 'read', async (file) => {
      const bytes = Buffer.alloc(9)
      expect(await readFully(file, bytes, 1_499_998)).toBe(9)
      expect(bytes.toString('latin1')).toBe('\0\0hello\0\0')
      expect(await readFully(file, bytes, 1_999_996)).toBe(4)
    })
  })

  it('never creates over an existing file, and never creates one that is only to be opened', async () => {
    const path = directory.file('a')
    await withFile(nodeFiles, path, 'create', async () => undefined)
    await expect(nodeFiles.open(path, 'create')).rejects.toMatchObject({ code: 'EEXIST' })
    await expect(nodeFiles.open(directory.file('b'), 'write')).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(nodeFiles.open(directory.file('b'), 'read')).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('keeps what it writes from other users', async () => {
    await withFile(nodeFiles, directory.file('a'), 'create', async () => undefined)
    await nodeFiles.makeDirectory(directory.file('d'))
    expect((await stat(directory.file('a'))).mode & 0o007).toBe(0)
    expect((await stat(directory.file('d'))).mode & 0o007).toBe(0)
  })

  it('makes directories with their parents, and does not mind that they are there', async () => {
    const path = join(directory.path, 'a', 'b', 'c')
    await nodeFiles.makeDirectory(path)
    await nodeFiles.makeDirectory(path)
    expect(await nodeFiles.list(join(directory.path, 'a', 'b'))).toEqual(['c'])
    await nodeFiles.syncDirectory(path)
    expect(await nodeFiles.freeBytes(path)).toBeGreaterThan(0)
  })

  it('says so when a call fails', async () => {
    const missing = directory.file('missing')
    await expect(nodeFiles.unlink(missing)).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(nodeFiles.rename(missing, directory.file('b'))).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(nodeFiles.syncDirectory(missing)).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(nodeFiles.list(missing)).rejects.toMatchObject({ code: 'ENOENT' })
    await withFile(nodeFiles, directory.file('a'), 'create', async () => undefined)
    await withFile(nodeFiles, directory.file('a'), 'read', async (file) => {
      await expect(file.write(Buffer.from('x'), 0)).rejects.toMatchObject({ code: 'EBADF' })
    })
  })
})

describe('writing and reading fully', () => {
  it('asks again for what a short call left', async () => {
    const files = hookedFiles(nodeFiles, { write: () => 3, read: () => 2 })
    await withFile(files, directory.file('a'), 'create', async (file) => {
      await writeFully(file, Buffer.from('0123456789'), 5)
      const bytes = Buffer.alloc(20)
      expect(await readFully(file, bytes, 5)).toBe(10)
      expect(bytes.toString('latin1', 0, 10)).toBe('0123456789')
    })
  })

  it('closes a file whose use failed, and tells the failure', async () => {
    const failure = new Error('in use')
    const use = withFile(nodeFiles, directory.file('a'), 'create', () => Promise.reject(failure))
    await expect(use).rejects.toBe(failure)
  })
})
