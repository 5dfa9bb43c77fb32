import { spawnSync } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { defaultParameters } from '@fractal-lba/pcs'
import { afterEach, describe, expect, it } from 'vitest'
import { smallCsv } from '../testing/small-records.js'
import { TemporaryFolders } from '../testing/temporary-folder.js'
import { buildFile } from './record-builder.js'

const folders = new TemporaryFolders()
afterEach(folders.remove)

const rules = { seed: 1, params: defaultParameters }
const build = (path: string) =>
  buildFile({ path, name: 'a.1.csv', identity: { shardId: 'a', epoch: 1 } }, rules)

describe('buildFile', () => {
  it('reads regular files alone, without following a link or waiting for a writer of a pipe', async () => {
    const folder = folders.make()
    const file = join(folder, 'file')
    writeFileSync(file, smallCsv(1))
    expect(await build(file)).toMatchObject({ kind: 'built' })
    symlinkSync(file, join(folder, 'link'))
    mkdirSync(join(folder, 'directory'))
    expect(spawnSync('mkfifo', [join(folder, 'pipe')]).status).toBe(0)
    for (const name of ['link', 'directory', 'pipe', 'nothing']) {
      expect(await build(join(folder, name))).toEqual({
        kind: 'unreadable',
        why: 'a.1.csv is no regular file',
      })
    }
  }, 5_000)
})
