import { mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { makeDirectory } from './make-directory.js'

let directory: string
beforeEach(() => {
  const made = mkdtempSync(join(tmpdir(), 'fractal-lba-make-'))
  onTestFinished(() => rmSync(made, { recursive: true }))
  directory = made
})

describe('makeDirectory', () => {
  it('makes all that is missing, with the mode; again, and beside itself', async () => {
    const path = join(directory, 'a', 'b', 'c')
    await Promise.all([makeDirectory(path, 0o700), makeDirectory(path, 0o700)])
    await makeDirectory(path, 0o700)
    expect(statSync(path).mode & 0o777).toBe(0o700)
    expect(statSync(join(directory, 'a')).mode & 0o777).toBe(0o700)
  })

  it('goes through links to directories', async () => {
    symlinkSync(directory, join(directory, 'link'))
    await makeDirectory(join(directory, 'link'))
    await makeDirectory(join(directory, 'link', 'a'))
    expect(statSync(join(directory, 'a')).isDirectory()).toBe(true)
  })

  it.each([
    ['a file', 'file', 'EEXIST'],
    ['below a file', 'file/a/b', 'ENOTDIR'],
    ['a link to nothing', 'nowhere', 'ENOENT'],
  ])('refuses %s', async (_case, name, code) => {
    writeFileSync(join(directory, 'file'), '')
    symlinkSync(join(directory, 'missing'), join(directory, 'nowhere'))
    await expect(makeDirectory(join(directory, name))).rejects.toMatchObject({ code })
  })

  it.each(['/proc/x', '/proc/x/y/z'])('refuses %s, where nothing can be made, at once', async (path) => {
    await expect(makeDirectory(path)).rejects.toMatchObject({ code: 'ENOENT' })
  })
})
