import { rm } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { crc32c } from './crc32c.js'
import { FRAME } from './format.js'
import type { LogHead } from './record-log.js'
import {
  appendEach,
  openTestLog,
  type TemporaryDirectory,
  temporaryDirectory,
  textRecord,
} from './testing/temporary-log.js'
import { type LogReport, type SegmentReport, verifyLog } from './verify.js'

let directory: TemporaryDirectory

beforeEach(async () => {
  directory = await temporaryDirectory()
})

afterEach(() => directory.remove())

async function verified(): Promise<{ segments: SegmentReport[]; log: LogReport }> {
  const segments: SegmentReport[] = []
  const reports = verifyLog(directory.path)
  for (;;) {
    const step = await reports.next()
    if (step.done === true) return { segments, log: step.value }
    segments.push(step.value)
  }
}

const TEXTS = Array.from({ length: 90 }, (_, index) => `record ${index + 1}`)
const BODY_OF_FIRST = 4096 + FRAME.body

async function writeLog(): Promise<{ head: LogHead; logId: string }> {
  const { log } = await openTestLog(directory.path, { segmentBytes: 8192 })
  await appendEach(log, TEXTS)
  const head = log.head()
  await log.close()
  return { head, logId: log.logId }
}

describe('verifyLog', () => {
  it('finds a sound log sound, and its head', async () => {
    const { head, logId } = await writeLog()
    const { segments, log } = await verified()
    expect(log).toEqual({ logId, records: 90, head, sound: true })
    expect(segments.length).toBeGreaterThan(2)
    expect(segments.map(({ frames }) => frames).reduce((sum, frames) => sum + frames)).toBe(90)
    expect(segments[0]).toMatchObject({
      firstSequence: 1,
      damage: [],
      objection: undefined,
      tornAt: undefined,
    })
    expect(segments.at(-1)).toMatchObject({ lastSequence: 90 })
  })

  it('may look at a live log, and changes nothing', async () => {
    const { log } = await openTestLog(directory.path)
    await appendEach(log, TEXTS)
    const names = await directory.list()
    expect((await verified()).log).toMatchObject({ records: 90, head: log.head(), sound: true })
    expect(await directory.list()).toEqual(names)
    await log.close()
  })

  it('finds a body that does not have its digest, which opening does not look at', async () => {
    await writeLog()
    const [first = ''] = await directory.list()
    const content = await directory.read(first)
    content.writeUInt8(content.readUInt8(BODY_OF_FIRST) ^ 1, BODY_OF_FIRST)
    const end = BODY_OF_FIRST + content.readUInt32LE(4096 + FRAME.storedLength)
    content.writeUInt32LE(crc32c(content.subarray(4096 + FRAME.storedLength, end)), 4096)
    await directory.write(first, content)
    const { segments, log } = await verified()
    expect(log).toMatchObject({ records: 89, sound: false })
    expect(segments[0]?.damage).toMatchObject([{ start: 4096, afterSequence: 0 }])
  })

  it('reports a torn tail as such, and the head before it', async () => {
    const { log: live } = await openTestLog(directory.path)
    await live.append(['one', 'two', 'three'].map(textRecord))
    const head = live.head()
    await live.append(['four', 'five', 'six'].map(textRecord))
    await live.close()
    const [first = ''] = await directory.list()
    const content = await directory.read(first)
    const fourth = content.indexOf('four') - FRAME.body
    content.fill(0, fourth, fourth + 40)
    await directory.write(first, content)
    const { segments, log } = await verified()
    expect(segments[0]).toMatchObject({ frames: 3, lastSequence: 3, tornAt: fourth })
    expect(log).toMatchObject({ head, sound: true })
  })

  it('reports damage followed by a later flush group as damage, and what is intact behind it', async () => {
    const { log: live } = await openTestLog(directory.path)
    await appendEach(live, ['one', 'two', 'three'])
    const head = live.head()
    await live.close()
    const [first = ''] = await directory.list()
    const content = await directory.read(first)
    content.write('TWO', content.indexOf('two'))
    await directory.write(first, content)
    const { segments, log } = await verified()
    expect(segments[0]).toMatchObject({ frames: 2, lastSequence: 3, tornAt: undefined })
    expect(segments[0]?.damage).toHaveLength(1)
    expect(log).toMatchObject({ head, sound: false })
  })

  it('finds a missing segment', async () => {
    await writeLog()
    const [, second = ''] = await directory.list()
    await rm(directory.file(second))
    const { segments, log } = await verified()
    expect(segments[0]?.objection).toContain('missing')
    expect(log.sound).toBe(false)
  })

  it('reports nothing for an empty directory', async () => {
    const { segments, log } = await verified()
    expect(segments).toEqual([])
    expect(log).toMatchObject({ records: 0, head: { sequence: 0 }, sound: true })
  })
})
