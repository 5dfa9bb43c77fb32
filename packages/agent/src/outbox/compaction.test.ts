import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { smallRecordBytes } from '../testing/small-records.js'
import { TemporaryFolders } from '../testing/temporary-folder.js'
import { until } from '../testing/until.js'
import { nodeOutboxFiles } from './files.js'
import { Outbox, type OutboxEvent, type OutboxOptions, type SettledKind } from './index.js'

const folders = new TemporaryFolders()
const open: Outbox[] = []
afterEach(async () => {
  for (const outbox of open.splice(0)) await outbox.close()
  folders.remove()
})

async function opened(directory: string, options: Partial<OutboxOptions> = {}): Promise<Outbox> {
  const outbox = await Outbox.open(directory, {
    segmentBytes: 65_536,
    onFatal: (error) => {
      throw error
    },
    ...options,
  })
  open.push(outbox)
  return outbox
}

const settle = (outbox: Outbox, seq: number, kind: SettledKind): Promise<void> =>
  outbox.settle(seq, { kind, status: 200, replayed: false, attempts: 1, body: Buffer.from(`{"seq":${seq}}`) })

/** Eight records: 1 to 4 acknowledged, 5 dead, 6 in conflict, 7 dead and put back, 8 pending. */
async function eight(directory: string): Promise<Outbox> {
  const outbox = await opened(directory)
  for (let number = 1; number <= 8; number++) await outbox.add(smallRecordBytes(number))
  for (const seq of [1, 2, 3, 4]) await settle(outbox, seq, 'acknowledged')
  await settle(outbox, 5, 'dead')
  await settle(outbox, 6, 'conflict')
  await settle(outbox, 7, 'dead')
  await outbox.revive(7)
  return outbox
}

const states = (outbox: Outbox) => [...outbox.entries()].map(({ seq, state }) => `${seq} ${state}`)

describe('compaction', () => {
  it('drops what is acknowledged and keeps all else, bytes and numbers', async () => {
    const directory = folders.make()
    const outbox = await eight(directory)
    const before = await outbox.read(8)
    expect(await outbox.compact()).toEqual({ entriesBefore: 8, entriesAfter: 4 })
    const expected = ['5 dead', '6 conflict', '7 pending', '8 pending']
    expect(states(outbox)).toEqual(expected)
    expect(await outbox.read(8)).toEqual(before)
    expect((await outbox.add(smallRecordBytes(9))).seq).toBe(9)
    await outbox.close()

    const again = await opened(directory)
    expect(states(again)).toEqual([...expected, '9 pending'])
    expect(await again.read(8)).toEqual(before)
    expect(readdirSync(directory).filter((name) => name.startsWith('log-'))).toEqual(['log-2'])
    await again.revive(5)
    await settle(again, 5, 'acknowledged')
    expect(again.counts).toEqual({ pending: 3, acknowledged: 1, dead: 0, conflict: 1 })
  })

  it('gives no number twice when all is dropped', async () => {
    const directory = folders.make()
    const outbox = await opened(directory)
    await outbox.add(smallRecordBytes(1))
    await settle(outbox, 1, 'acknowledged')
    await outbox.compact()
    await outbox.close()
    expect((await (await opened(directory)).add(smallRecordBytes(1))).seq).toBe(2)
  })

  it('keeps as many acknowledged ones as it is told, the newest, and drops others on demand', async () => {
    const outbox = await eight(folders.make())
    await outbox.compact({ acknowledgedKept: 2 })
    expect(states(outbox).slice(0, 3)).toEqual(['3 acknowledged', '4 acknowledged', '5 dead'])
    expect(outbox.byId(outbox.bySeq(4)?.pcsId ?? '')?.seq).toBe(4)
    await outbox.compact({ dropDead: true, dropConflicts: true })
    expect(states(outbox)).toEqual(['7 pending', '8 pending'])
  })

  it('lets calls wait, and loses none of them', async () => {
    const outbox = await opened(folders.make())
    for (let number = 0; number < 20; number++) await outbox.add(smallRecordBytes(number))
    const busy: Promise<unknown>[] = []
    for (let number = 20; number < 60; number++) {
      busy.push(outbox.add(smallRecordBytes(number)), settle(outbox, number - 19, 'acknowledged'))
      if (number % 10 === 0) busy.push(outbox.compact())
      if (number % 3 === 0) await Promise.all(busy)
    }
    await Promise.all(busy)
    await outbox.compact()
    expect(outbox.counts).toEqual({ pending: 20, acknowledged: 0, dead: 0, conflict: 0 })
  })

  it('happens by itself when many are acknowledged', async () => {
    const events: OutboxEvent[] = []
    const outbox = await opened(folders.make(), {
      acknowledgedMax: 10,
      acknowledgedKept: 3,
      onEvent: (event) => events.push(event),
    })
    for (let number = 1; number <= 12; number++) {
      await outbox.add(smallRecordBytes(number))
      await settle(outbox, number, 'acknowledged')
    }
    await until('the outbox compacts itself', () => events.some(({ type }) => type === 'compacted'))
    expect(outbox.counts.acknowledged).toBeLessThanOrEqual(5)
  })

  it('removes what a crash before its end left', async () => {
    const directory = folders.make()
    await (await eight(directory)).close()
    mkdirSync(join(directory, 'log-2'))
    writeFileSync(join(directory, 'log-2', '0000000000000001.seg'), 'half')
    writeFileSync(join(directory, 'current.new'), 'log-')
    const outbox = await opened(directory)
    expect(existsSync(join(directory, 'log-2'))).toBe(false)
    await outbox.compact()
    expect(outbox.counts.pending).toBe(2)
  })

  it.each([
    ['before the copy', { open: 'log-2' }],
    ['in the pointer', { open: 'current.new' }],
    ['at its one moment', { rename: 'current' }],
  ])('keeps the old log when it fails %s', async (_, failing: { open?: string; rename?: string }) => {
    const directory = folders.make()
    await (await eight(directory)).close()
    let armed = true
    const fails = (name: string | undefined, path: string): boolean =>
      armed && name !== undefined && path.includes(name)
    const outbox = await opened(directory, {
      files: {
        ...nodeOutboxFiles,
        open: async (path, mode) => {
          if (mode === 'create' && fails(failing.open, path)) throw systemError('ENOSPC')
          return nodeOutboxFiles.open(path, mode)
        },
        rename: async (from, to) => {
          if (fails(failing.rename, to)) throw systemError('EIO')
          return nodeOutboxFiles.rename(from, to)
        },
      },
    })
    await expect(outbox.compact()).rejects.toThrow()
    expect(readdirSync(directory).filter((name) => name.startsWith('log-'))).toEqual(['log-1'])
    expect(outbox.counts).toMatchObject({ pending: 2, acknowledged: 4 })
    await outbox.add(smallRecordBytes(9))
    armed = false
    await outbox.compact()
    await outbox.close()
    expect(states(await opened(directory))).toEqual([
      '5 dead',
      '6 conflict',
      '7 pending',
      '8 pending',
      '9 pending',
    ])
  })

  it.each([
    ['the pointer', ['current'], 'is lost or unreadable'],
    ['the log that it points to', ['log-2'], 'is lost'],
  ])('does not take an outbox for a new one when %s is gone', async (_, gone, sentence) => {
    const directory = folders.make()
    const outbox = await eight(directory)
    await outbox.compact()
    await outbox.close()
    for (const name of gone) rmSync(join(directory, name), { recursive: true })
    await expect(opened(directory)).rejects.toMatchObject({
      code: 'damaged',
      message: expect.stringContaining(sentence),
    })
  })
})

function systemError(code: string): Error {
  return Object.assign(new Error(code), { code, syscall: 'test' })
}
