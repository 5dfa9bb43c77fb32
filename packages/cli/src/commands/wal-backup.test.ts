import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { smallRecordBytes, TemporaryFolders } from '@fractal-lba/agent/testing'
import { flipBit, openWal, submission, writeSubmissions } from '@fractal-lba/log-tools/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { runPcs } from '../testing/run-pcs.js'

const folders = new TemporaryFolders()
afterEach(folders.remove)

const FIRST = '0000000000000001.seg'

function backup(directory: string, target: string, ...more: string[]) {
  return runPcs(['wal', 'backup', '--dir', directory, '--to', target, ...more])
}

describe('pcs wal backup', () => {
  it('makes a copy that holds all, verifies, and can be gone on with', async () => {
    const directory = folders.make()
    const chain = await writeSubmissions(directory, 60)
    writeFileSync(join(directory, `${FIRST}.torn`), 'of a crash')
    const target = join(folders.make(), 'new')
    const { code, out, err } = await backup(directory, target)
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toContain(`head: record 60, chain ${chain}`)
    expect(readdirSync(target)).toEqual(readdirSync(directory).filter((name) => name.endsWith('.seg')))
    const log = await openWal(target)
    expect(log.head()).toMatchObject({ sequence: 60, chain })
    expect(await log.append([submission(smallRecordBytes(61))])).toBe(61)
    await log.close()
  })

  it('may be made while the log is written to, and holds what was acknowledged before', async () => {
    const directory = folders.make()
    const log = await openWal(directory)
    let written = 0
    let isOver = false
    const writer = async (): Promise<void> => {
      while (!isOver) {
        await log.append([submission(smallRecordBytes(written))])
        written += 1
      }
    }
    const writers = Promise.all([writer(), writer(), writer()])
    for (const name of ['a', 'b', 'c']) {
      const before = log.head().sequence
      const target = join(folders.make(), name)
      const { code, out, err } = await backup(directory, target, '--json')
      expect({ code, err }).toEqual({ code: 0, err: '' })
      const report = JSON.parse(out)
      expect(report.sound).toBe(true)
      expect(report.head.sequence).toBeGreaterThanOrEqual(before)
      const opened = await openWal(target)
      expect(opened.head()).toEqual(report.head)
      expect(opened.status().quarantined).toEqual([])
      await opened.close()
    }
    isOver = true
    await writers
    await log.close()
  })

  it('says that the log is damaged', async () => {
    const directory = folders.make()
    await writeSubmissions(directory, 40)
    flipBit(directory, FIRST, 4096 + 200)
    const { code, err } = await backup(directory, join(folders.make(), 'copy'))
    expect([code, err]).toEqual([1, expect.stringContaining('the copy is as damaged as the log is')])
  })

  it('does not mix with what is there', async () => {
    const directory = folders.make()
    await writeSubmissions(directory, 2)
    const target = folders.make()
    mkdirSync(join(target, 'something'))
    const { code, err } = await backup(directory, target)
    expect([code, err]).toEqual([1, expect.stringContaining('is not empty')])
    expect((await backup(folders.make(), join(target, 'other'))).err).toContain('there is no log in')
    expect((await runPcs(['wal', 'backup'])).code).toBe(2)
  })
})
