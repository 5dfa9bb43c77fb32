import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { withLock } from './lock.mjs'

let directory = ''
let file = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'fractal-lba-lock-'))
  file = join(directory, 'lock')
})
afterEach(() => rmSync(directory, { recursive: true }))

const options = { onWait: () => {}, limitMs: 10_000 }

describe('withLock', () => {
  it('lets one in at a time and leaves nothing behind', async () => {
    let inside = 0
    let most = 0
    const visit = () =>
      withLock(file, options, async () => {
        inside += 1
        most = Math.max(most, inside)
        await new Promise((resolve) => setTimeout(resolve, 5))
        inside -= 1
        return most
      })
    expect(await Promise.all([visit(), visit(), visit()])).toEqual([1, 1, 1])
    expect(readdirSync(directory)).toEqual([])
  })

  it('lets go when the action fails', async () => {
    await expect(withLock(file, options, () => Promise.reject(new Error('no')))).rejects.toThrow('no')
    expect(existsSync(file)).toBe(false)
  })

  it('takes over from a process that is gone', async () => {
    const { pid } = spawnSync(process.execPath, ['-e', ''])
    writeFileSync(file, String(pid))
    expect(await withLock(file, options, async () => 'done')).toBe('done')
  })

  it('waits for one that lives, says so once, and not for ever', async () => {
    writeFileSync(file, String(process.pid))
    /** @type {number[]} */
    const waits = []
    const attempt = withLock(file, { onWait: (pid) => waits.push(pid), limitMs: 500 }, async () => 'done')
    await expect(attempt).rejects.toThrow(`process ${process.pid} has not let go`)
    expect(waits).toEqual([process.pid])
  })
})
