import { createHash } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FRAME, SEGMENT_HEADER_BYTES } from './format.js'
import { nodeFiles } from './node-files.js'
import type { LogRecord } from './record.js'
import type { CompactableLog } from './record-log.js'
import { hookedFiles } from './testing/hooked-files.js'
import {
  appendEach,
  openTestLog,
  readTexts,
  type TemporaryDirectory,
  temporaryDirectory,
  textOf,
  textRecord,
} from './testing/temporary-log.js'
import { verifyLog } from './verify.js'

const SEGMENT_BYTES = 32_768
const TEXTS = Array.from({ length: 500 }, (_, index) => `record ${index + 1}`)
const isEven = ({ sequence }: LogRecord) => sequence % 2 === 0

let directory: TemporaryDirectory

beforeEach(async () => {
  directory = await temporaryDirectory()
})

afterEach(() => directory.remove())

/** A log of three segments, the last of them active. */
async function openFilled(
  options: Parameters<typeof openTestLog>[1] = {},
): Promise<Awaited<ReturnType<typeof openTestLog>>> {
  const opened = await openTestLog(directory.path, { segmentBytes: SEGMENT_BYTES, ...options })
  await opened.log.append(TEXTS.slice(0, 200).map(textRecord))
  await appendEach(opened.log, TEXTS.slice(200))
  expect(opened.log.segments()).toHaveLength(3)
  return opened
}

function firstOf(log: CompactableLog, place: number): number {
  const segment = log.segments()[place]
  if (segment === undefined) throw new Error(`there is no segment ${place}`)
  return segment.firstSequence
}

async function isSound(): Promise<boolean> {
  const reports = verifyLog(directory.path)
  for (;;) {
    const step = await reports.next()
    if (step.done === true) return step.value.sound
  }
}

/** A gate that opens once. */
function gate(): { readonly passed: Promise<void>; readonly open: () => void } {
  let open: () => void = () => undefined
  const passed = new Promise<void>((resolve) => {
    open = resolve
  })
  return { passed, open }
}

describe('dropping bodies', () => {
  it('drops those that are named and keeps all else, now and after reopening', async () => {
    const { log } = await openFilled()
    const before = log.segments()[0]
    const sizeBefore = (await directory.read(before?.name ?? '')).length
    const last = before?.lastSequence ?? 0
    const result = await log.dropBodies(1, isEven)
    expect(result.dropped).toBe(Math.floor(last / 2))
    expect(result.freedBytes).toBe(sizeBefore - (await directory.read(before?.name ?? '')).length)
    expect(result.freedBytes).toBeGreaterThan(0)
    const expected = TEXTS.map((text, index) => (index + 1 <= last && index % 2 === 1 ? '(dropped)' : text))
    expect(await readTexts(log)).toEqual(expected)
    for (const sequence of [1, 2, 64, 65, 66, 129, 130, last - 1, last, last + 1]) {
      const record = await log.readOne(sequence)
      expect(record && textOf(record), `record ${sequence}`).toBe(expected[sequence - 1])
      const text = TEXTS[sequence - 1] ?? ''
      expect(record?.digest).toEqual(createHash('sha256').update(text).digest())
      expect(record?.bodyLength).toBe(text.length)
    }
    expect(await isSound()).toBe(true)
    const head = log.head()
    await log.close()
    const again = await openTestLog(directory.path, { segmentBytes: SEGMENT_BYTES })
    expect(again.visited).toEqual(expected)
    expect(again.events).toEqual([])
    expect(again.log.head()).toEqual(head)
    await again.log.close()
  })

  it('leaves no byte of a dropped body to look at, and none beside one that is kept', async () => {
    const { log } = await openFilled()
    await log.dropBodies(1, isEven)
    await log.close()
    const seen: (readonly (number | undefined)[])[] = []
    const again = await openTestLog(directory.path, {
      segmentBytes: SEGMENT_BYTES,
      visit: (record) =>
        seen.push([-1, 0, record.bodyLength - 1, record.bodyLength].map((at) => record.bodyByte(at))),
    })
    await again.log.close()
    expect(seen[0]).toEqual([undefined, 'r'.charCodeAt(0), '1'.charCodeAt(0), undefined])
    expect(seen[1]).toEqual([undefined, undefined, undefined, undefined])
  })

  it('goes on from what was dropped before', async () => {
    const { log } = await openFilled()
    await log.dropBodies(1, ({ sequence }) => sequence === 5)
    expect(await log.dropBodies(1, ({ sequence }) => sequence === 5)).toEqual({ dropped: 0, freedBytes: 0 })
    await log.dropBodies(1, ({ sequence, body }) => sequence === 6 && body !== undefined)
    expect((await readTexts(log)).slice(3, 7)).toEqual(['record 4', '(dropped)', '(dropped)', 'record 7'])
    expect(await isSound()).toBe(true)
    await log.close()
  })

  it('writes and flushes the copy before it takes the place of the segment', async () => {
    const calls: string[] = []
    let armed = false
    const note = (call: string, path: string) => {
      // What the log itself still seals in the background is none of it.
      if (armed && !path.endsWith('.seg')) calls.push(`${call} ${path.slice(path.lastIndexOf('.'))}`)
    }
    const files = hookedFiles(nodeFiles, {
      write: (path) => void note('write', path),
      datasync: (path) => note('flush', path),
      rename: (from) => note('rename', from),
      syncDirectory: () => note('sync', '.directory'),
    })
    const { log } = await openFilled({ files })
    armed = true
    await log.dropBodies(1, isEven)
    expect(calls).toEqual([
      'write .compact', // header
      'write .compact',
      'flush .compact',
      'rename .compact',
      'sync .directory',
    ])
    await log.close()
  })

  it('leaves nothing behind when there is nothing to drop', async () => {
    const { log } = await openFilled()
    const names = await directory.list()
    expect(await log.dropBodies(1, () => false)).toEqual({ dropped: 0, freedBytes: 0 })
    expect(await directory.list()).toEqual(names)
    await log.close()
  })

  it('is refused for the active segment, and for what is no segment', async () => {
    const { log } = await openFilled()
    const active = firstOf(log, 2)
    for (const first of [active, 2, 0]) {
      await expect(log.dropBodies(first, () => true)).rejects.toMatchObject({ code: 'invalid' })
    }
    await log.close()
    await expect(log.dropBodies(1, () => true)).rejects.toMatchObject({ code: 'closed' })
  })

  it('does not touch a segment that is damaged', async () => {
    const { log, fatal } = await openFilled()
    const name = log.segments()[0]?.name ?? ''
    const content = await directory.read(name)
    const offset = SEGMENT_HEADER_BYTES + FRAME.body
    content.writeUInt8(content.readUInt8(offset) ^ 1, offset)
    await directory.write(name, content)
    await expect(log.dropBodies(1, isEven)).rejects.toMatchObject({ code: 'damaged' })
    expect(await directory.read(name)).toEqual(content)
    expect((await directory.list()).filter((one) => one.endsWith('.compact'))).toEqual([])
    expect(fatal).toEqual([])
    await log.close()
  })

  it('is refused without room for the copy, and leaves nothing behind', async () => {
    const files = hookedFiles(nodeFiles, {
      write: (path) => {
        if (path.endsWith('.compact')) throw Object.assign(new Error('ENOSPC: simulated'), { code: 'ENOSPC' })
        return undefined
      },
    })
    const { log, fatal } = await openFilled({ files })
    await expect(log.dropBodies(1, isEven)).rejects.toMatchObject({ code: 'out_of_space' })
    expect((await directory.list()).filter((one) => one.endsWith('.compact'))).toEqual([])
    expect(fatal).toEqual([])
    expect(await readTexts(log)).toEqual(TEXTS)
    await log.close()
  })

  it('that an owner cannot decide stops this one, not the log', async () => {
    const { log, fatal } = await openFilled()
    const drop = () => {
      throw new Error('the index is not there')
    }
    await expect(log.dropBodies(1, drop)).rejects.toMatchObject({ code: 'invalid' })
    expect((await directory.list()).filter((one) => one.endsWith('.compact'))).toEqual([])
    expect(fatal).toEqual([])
    expect((await log.dropBodies(1, isEven)).dropped).toBeGreaterThan(0)
    await log.close()
  })

  it.each(['datasync', 'rename', 'syncDirectory'] as const)('ends the log when %s fails', async (failing) => {
    const failure = Object.assign(new Error('EIO: simulated'), { code: 'EIO' })
    let armed = false
    const fail = () => {
      if (armed) throw failure
    }
    const { log, fatal } = await openFilled({ files: hookedFiles(nodeFiles, { [failing]: fail }) })
    armed = true
    await expect(log.dropBodies(1, isEven)).rejects.toMatchObject({ code: 'failed' })
    await expect(log.append([textRecord('later')])).rejects.toMatchObject({ code: 'failed' })
    expect(fatal).toEqual([failure])
    armed = false
    await log.close()
    const again = await openTestLog(directory.path, { segmentBytes: SEGMENT_BYTES })
    expect(again.visited.map((text, index) => (text === '(dropped)' ? TEXTS[index] : text))).toEqual(TEXTS)
    await again.log.close()
  })

  it('lets appends and reads go on, of the same segment too', async () => {
    const { log } = await openFilled()
    const reading = readTexts(log)
    const appends = Array.from({ length: 20 }, (_, index) => log.append([textRecord(`more ${index}`)]))
    const dropping = log.dropBodies(1, isEven)
    const later = readTexts(log)
    await Promise.all([...appends, dropping])
    const texts = [await reading, await later]
    for (const read of texts) {
      expect(read.slice(0, 500).map((text, index) => (text === '(dropped)' ? TEXTS[index] : text))).toEqual(
        TEXTS,
      )
    }
    await log.close()
  })

  it('never gives a reader the new file with the places of the old one', async () => {
    const waiting = gate()
    const dropped = gate()
    let held = false
    const files = hookedFiles(nodeFiles, {
      open: async (path) => {
        if (!held || !path.endsWith('0000000000000001.seg')) return
        held = false
        waiting.open()
        await dropped.passed
      },
    })
    const { log, events } = await openFilled({ files })
    held = true
    const reading = readTexts(log, 129) // has looked up where record 129 lies, and is about to open
    await waiting.passed
    await log.dropBodies(1, isEven)
    dropped.open()
    expect((await reading).slice(0, 3)).toEqual(['record 129', '(dropped)', 'record 131'])
    expect(events.map(({ type }) => type)).not.toContain('damage_read')
    await log.close()
  })
})

describe('removing the oldest segments', () => {
  it('removes whole segments below a sequence, never the active one', async () => {
    const { log } = await openFilled()
    const second = firstOf(log, 1)
    const third = firstOf(log, 2)
    expect(await log.removeBefore(second - 1)).toBe(0)
    expect(await log.removeBefore(second)).toBe(1)
    expect(await readTexts(log)).toEqual(TEXTS.slice(second - 1))
    expect(await log.readOne(1)).toBeUndefined()
    expect(log.status().firstSequence).toBe(second)
    expect(await log.removeBefore(1_000_000)).toBe(1)
    expect(log.segments().map(({ firstSequence }) => firstSequence)).toEqual([third])
    expect(await isSound()).toBe(true)
    await log.append([textRecord('later')])
    await log.close()
    const again = await openTestLog(directory.path, { segmentBytes: SEGMENT_BYTES })
    expect(again.events).toEqual([])
    expect(again.visited).toEqual([...TEXTS.slice(third - 1), 'later'])
    await again.log.close()
  })

  it('makes each removal durable before the next, so that a crash leaves no gap', async () => {
    const calls: string[] = []
    const hooked = hookedFiles(nodeFiles, { syncDirectory: () => void calls.push('sync directory') })
    const files = {
      ...hooked,
      unlink: (path: string) => {
        calls.push(`remove ${path.slice(path.lastIndexOf('/') + 1)}`)
        return hooked.unlink(path)
      },
    }
    const { log } = await openFilled({ files })
    const names = log.segments().map(({ name }) => name)
    calls.length = 0
    await log.removeBefore(1_000_000)
    expect(calls).toEqual([`remove ${names[0]}`, 'sync directory', `remove ${names[1]}`, 'sync directory'])
    await log.close()
  })

  it('lets a reader go on with what is left', async () => {
    const waiting = gate()
    const removed = gate()
    let held = false
    const files = hookedFiles(nodeFiles, {
      open: async (path) => {
        if (!held || !path.endsWith('0000000000000001.seg')) return
        held = false
        waiting.open()
        await removed.passed
      },
    })
    const { log } = await openFilled({ files })
    const second = firstOf(log, 1)
    held = true
    const reading = readTexts(log)
    await waiting.passed
    await log.removeBefore(second)
    removed.open()
    expect(await reading).toEqual(TEXTS.slice(second - 1))
    await log.close()
  })
})
