import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { TemporaryFolders } from '@fractal-lba/agent/testing'
import { nodeFiles } from '@fractal-lba/wal'
import { afterEach, describe, expect, it } from 'vitest'
import { frozenTail } from './frozen-tail.js'

const folders = new TemporaryFolders()
afterEach(folders.remove)

const MIB = 1 << 20

describe('frozenTail', () => {
  it.each([
    ['content that ends with the file', [7, 7, 7], 0],
    ['zeros at the end', [7, 0, 7], 5],
    ['many zeros at the end', [7], 3 * MIB],
    ['content on both sides of a step', Array.from({ length: MIB + 3 }, () => 7), MIB - 1],
    ['nothing but zeros', [], 2 * MIB + 1],
    ['nothing at all', [], 0],
  ])('shows what is there and nothing that comes later: %s', async (_name, content, zeros) => {
    const path = join(folders.make(), 'file')
    const before = Buffer.concat([Buffer.from(content), Buffer.alloc(zeros)])
    writeFileSync(path, before)
    const file = await nodeFiles.open(path, 'read')
    const frozen = await frozenTail(file)
    writeFileSync(path, Buffer.concat([Buffer.from(content), Buffer.alloc(zeros, 9)]), { flag: 'r+' })
    appendFileSync(path, 'later')
    const target = Buffer.alloc(before.length + 5)
    let done = 0
    while (done < target.length) {
      const read = await frozen.read(target.subarray(done), done)
      if (read === 0) break
      done += read
    }
    expect(target.equals(Buffer.concat([before, Buffer.alloc(5)]))).toBe(true)
    await frozen.close()
  })
})
