import { rm } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Checkpoint, CheckpointBuilder } from './checkpoint.js'
import { newIdentity, ORIGIN } from './format.js'
import type { LogOptions } from './options.js'
import {
  openTestLog,
  readTexts,
  type TemporaryDirectory,
  temporaryDirectory,
  textRecord,
} from './testing/temporary-log.js'

const WHOLE: Partial<LogOptions> = { brief: (_type, body) => body }
const SEGMENT = `${'1'.padStart(16, '0')}.seg`
const CHECKPOINT = `${SEGMENT}.checkpoint`

let directory: TemporaryDirectory
beforeEach(async () => {
  directory = await temporaryDirectory()
})
afterEach(() => directory.remove())

const texts = Array.from({ length: 300 }, (_, index) => `${index} ${'x'.repeat(700)}`)

/** A log of several segments, closed; each sealed one has its checkpoint. */
async function made(path = directory.path): Promise<void> {
  const { log } = await openTestLog(path, WHOLE)
  for (let at = 0; at < texts.length; at += 10) await log.append(texts.slice(at, at + 10).map(textRecord))
  await log.close()
}

/** What an opening sees, and how many segments it took from their checkpoints. */
async function opened(options = WHOLE) {
  const { log, events, visited } = await openTestLog(directory.path, options)
  const read = await readTexts(log)
  await log.close()
  const taken = events.filter(({ type }) => type === 'checkpoint_taken').length
  return { visited, read, taken, quarantined: log.status().quarantined }
}

describe('checkpoints', () => {
  it('are made of sealed segments, and stand for them: an opening sees the same', async () => {
    await made()
    const names = await directory.list()
    const segments = names.filter((name) => name.endsWith('.seg'))
    expect(segments.length).toBeGreaterThan(3)
    expect(names.filter((name) => name.endsWith('.checkpoint'))).toHaveLength(segments.length - 1)
    expect(await opened()).toEqual({
      ...{ visited: texts, read: texts, quarantined: [] },
      taken: segments.length - 1,
    })
  })

  it('are made anew by an opening that reads', async () => {
    await made()
    const before = await directory.read(CHECKPOINT)
    await rm(directory.file(CHECKPOINT))
    const { taken, visited } = await opened()
    expect([taken > 1, visited]).toEqual([true, texts])
    expect(await directory.read(CHECKPOINT)).toEqual(before)
  })

  it('are of no log that asks for none', async () => {
    await made()
    const { taken, visited } = await opened({})
    expect([taken, visited]).toEqual([0, texts])
  })

  it.each<[name: string, spoil: () => Promise<void>]>([
    ['torn', async () => directory.write(CHECKPOINT, (await directory.read(CHECKPOINT)).subarray(0, -1))],
    ['empty', () => directory.write(CHECKPOINT, Buffer.alloc(0))],
    [
      'zeros',
      async () => directory.write(CHECKPOINT, Buffer.alloc((await directory.read(CHECKPOINT)).length)),
    ],
    ['one bit off in its header', () => flip(CHECKPOINT, 50)],
    ['one bit off in an entry', () => flip(CHECKPOINT, 500)],
    ['of another segment', async () => directory.write(CHECKPOINT, await directory.read(await second()))],
    ['of another log', foreign],
    [
      'of a segment of another length',
      async () => {
        await directory.write(SEGMENT, Buffer.concat([await directory.read(SEGMENT), Buffer.alloc(100)]))
      },
    ],
  ])('%s: passed over, its segment is read', async (_, spoil) => {
    await made()
    const all = (await directory.list()).filter((name) => name.endsWith('.checkpoint')).length
    await spoil()
    expect(await opened()).toEqual({ visited: texts, read: texts, taken: all - 1, quarantined: [] })
  })

  it('of a segment that is not where its checkpoint ends is passed over, and the segment quarantined', async () => {
    await made()
    const names = (await directory.list()).filter((name) => name.endsWith('.seg'))
    await rm(directory.file(names[1] ?? ''))
    const { quarantined } = await opened()
    expect(quarantined).toEqual([`${SEGMENT}.quarantined`])
    expect(await directory.list()).not.toContain(`${names[1]}.checkpoint`)
  })

  it('of a segment in which a reader meets damage is dropped, so that the next opening quarantines it', async () => {
    await made()
    await flip(SEGMENT, 10_000)
    const first = await opened()
    expect([first.quarantined, first.read.length]).toEqual([[], texts.length - 1])
    const second = await opened()
    expect(second.quarantined).toEqual([`${SEGMENT}.quarantined`])
  })

  it('of a compacted segment is gone before the segment changes, and made anew', async () => {
    await made()
    const { log } = await openTestLog(directory.path, WHOLE)
    await log.dropBodies(1, ({ sequence }) => sequence === 3)
    expect(await directory.list()).not.toContain(CHECKPOINT)
    await log.close()
    const dropped = texts.map((text, index) => (index === 2 ? '(dropped)' : text))
    for (const _ of [1, 2]) expect((await opened()).visited).toEqual(dropped)
    expect(await directory.list()).toContain(CHECKPOINT)
  })

  it('of a removed segment goes with it', async () => {
    await made()
    const { log } = await openTestLog(directory.path, WHOLE)
    await log.removeBefore(200)
    await log.close()
    const names = await directory.list()
    for (const name of names) if (name.endsWith('.checkpoint')) expect(names).toContain(name.slice(0, -11))
    expect(names).not.toContain(CHECKPOINT)
  })

  it('with a brief that is too long is not made', async () => {
    const { log } = await openTestLog(directory.path, { ...WHOLE, segmentBytes: 2 ** 18 })
    for (let count = 0; count < 6; count += 1) await log.append([textRecord('x'.repeat(70_000))])
    await log.close()
    expect((await directory.list()).filter((name) => name.endsWith('.checkpoint'))).toEqual([])
  })
})

it('no byte of a checkpoint may be another', () => {
  const identity = newIdentity()
  const builder = new CheckpointBuilder((_type, body) => body)
  const frame = Buffer.alloc(120, 7)
  frame.writeUInt32LE(4, 24)
  frame.writeUInt8(0, 12)
  frame.writeUInt16LE(0, 8)
  builder.note(frame, 0)
  const bytes = builder.encode(identity, { ...ORIGIN, sequence: 1, group: 1 }, 4_216) ?? Buffer.alloc(0)
  expect(Checkpoint.decode(bytes, identity, ORIGIN)).toBeDefined()
  for (let at = 0; at < bytes.length; at += 1) {
    const changed = Buffer.from(bytes)
    changed[at] = (changed[at] ?? 0) ^ 1
    expect(Checkpoint.decode(changed, identity, ORIGIN), `byte ${at}`).toBeUndefined()
  }
  const other = { ...identity, logSecret: Buffer.alloc(7, 1) }
  expect(Checkpoint.decode(bytes, other, ORIGIN)).toBeUndefined()
  expect(Checkpoint.decode(bytes, identity, { ...ORIGIN, sequence: 1 })).toBeUndefined()
})

async function flip(name: string, at: number): Promise<void> {
  const bytes = await directory.read(name)
  bytes[at] = (bytes[at] ?? 0) ^ 1
  await directory.write(name, bytes)
}

async function second(): Promise<string> {
  return (await directory.list()).filter((name) => name.endsWith('.checkpoint'))[1] ?? ''
}

async function foreign(): Promise<void> {
  const other = await temporaryDirectory()
  try {
    await made(other.path)
    await directory.write(CHECKPOINT, await other.read(CHECKPOINT))
  } finally {
    await other.remove()
  }
}
