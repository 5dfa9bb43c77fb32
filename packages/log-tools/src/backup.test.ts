import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { TemporaryFolders } from '@fractal-lba/agent/testing'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { backUp } from './backup.js'
import { type PinnedLog, pinLog } from './pinned-log.js'
import { writeSubmissions } from './testing/wal-log.js'

vi.mock(import('node:fs/promises'), async (original) => {
  const files = await original()
  return { ...files, rename: vi.fn(files.rename) }
})

const folders = new TemporaryFolders()
let directory: string
let pinned: PinnedLog
beforeEach(async () => {
  directory = folders.make()
  await writeSubmissions(directory, 60)
  pinned = await pinLog(directory)
})
afterEach(async () => {
  vi.mocked(rename).mockReset()
  await pinned.close()
  folders.remove()
})

const segmentsIn = (path: string): string[] =>
  readdirSync(path, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.seg'))

describe('backUp', () => {
  it.each([1, 2, 3])('leaves no part of the log as the copy when it ends at its rename %i', async (fatal) => {
    expect(pinned.segments.length).toBeGreaterThan(2)
    const target = join(folders.make(), 'copy')
    mkdirSync(target)
    const actual = await vi.importActual<typeof import('node:fs/promises')>('node:fs/promises')
    let renames = 0
    vi.mocked(rename).mockImplementation((from, to) => {
      renames += 1
      return renames === fatal ? Promise.reject(new Error('killed')) : actual.rename(from, to)
    })
    await backUp(pinned, target).catch(() => undefined)
    expect([[], pinned.segments]).toContainEqual(segmentsIn(target))
  })

  it('takes a directory that is made by it, or empty', async () => {
    const actual = await vi.importActual<typeof import('node:fs/promises')>('node:fs/promises')
    vi.mocked(rename).mockImplementation(actual.rename)
    const parent = folders.make()
    mkdirSync(join(parent, 'empty'))
    for (const name of ['empty', 'new', join('deeper', 'new')]) {
      await backUp(pinned, join(parent, name))
      for (const segment of pinned.segments) {
        expect(readFileSync(join(parent, name, segment))).toEqual(readFileSync(join(directory, segment)))
      }
    }
    expect(readdirSync(parent).sort()).toEqual(['deeper', 'empty', 'new'])
  })

  it('leaves nothing behind where the log cannot be read to its end', async () => {
    const parent = folders.make()
    const failing = { ...pinned, read: () => Promise.reject(new Error('cannot be read')) }
    await expect(backUp(failing, join(parent, 'copy'))).rejects.toThrow('cannot be read')
    expect(readdirSync(parent)).toEqual([])
  })
})
