import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import files from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { TemporaryFolders } from '@fractal-lba/agent/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { backUp } from './backup.js'
import { type PinnedLog, pinLog } from './pinned-log.js'
import { writeSubmissions } from './testing/wal-log.js'

/** Replaces rename for everybody in this process. */
function replaceRename(rename: typeof files.rename): void {
  files.rename = rename
  syncBuiltinESMExports()
}

const actualRename = files.rename
const folders = new TemporaryFolders()
let directory: string
let pinned: PinnedLog
beforeEach(async () => {
  directory = folders.make()
  await writeSubmissions(directory, 60)
  pinned = await pinLog(directory)
})
afterEach(async () => {
  replaceRename(actualRename)
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
    let renames = 0
    replaceRename((from, to) => {
      renames += 1
      return renames === fatal ? Promise.reject(new Error('killed')) : actualRename(from, to)
    })
    await backUp(pinned, target).catch(() => undefined)
    expect([[], pinned.segments]).toContainEqual(segmentsIn(target))
  })

  it('takes a directory that is made by it, or empty', async () => {
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
