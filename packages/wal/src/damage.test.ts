import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { crc32c } from './crc32c.js'
import {
  decodeSegmentHeader,
  encodeSegmentHeader,
  FRAME,
  newIdentity,
  ORIGIN,
  SEGMENT_HEADER_BYTES,
  segmentName,
} from './format.js'
import type { RecordLocation } from './record.js'
import {
  Bench,
  benchWith,
  cut,
  DIRECTORY,
  dropBody,
  EXHAUSTIVE_MS,
  FIRST,
  FIVE,
  flip,
  frameLike,
  openedTwice,
  replaceBody,
  texts,
} from './testing/damage-bench.js'
import { appendEach, readTexts, textRecord } from './testing/temporary-log.js'

describe('damage that is not a torn tail', () => {
  it(
    'of any flipped bit in a record in the middle costs that record alone',
    async () => {
      const whole = await benchWith(FIVE.map((text) => [text]))
      const { offset, frameBytes } = whole.place(3)
      const rest = FIVE.filter((text) => text !== 'three')
      for (let bit = 0; bit < frameBytes * 8; bit++) {
        const bench = whole.copy()
        bench.edit(FIRST, (content) => flip(content, offset, bit))
        const { texts, events } = await openedTwice(bench)
        expect(texts, `bit ${bit}`).toEqual(rest)
        expect(events.map(({ type }) => type)).toEqual(['quarantined'])
        expect(bench.names()).toEqual([`${FIRST}.quarantined`, segmentName(6)])
      }
    },
    EXHAUSTIVE_MS,
  )

  it('of the last record of a flushed group is not taken for the torn beginning of the next', async () => {
    const bench = await benchWith([
      ['one', 'two'],
      ['three', 'four'],
      ['five', 'six'],
    ])
    bench.edit(FIRST, (content) => flip(content, bench.place(4).offset, 200))
    const { texts, events } = await openedTwice(bench)
    expect(texts).toEqual(['one', 'two', 'three', 'five', 'six'])
    expect(events.map(({ type }) => type)).toEqual(['quarantined'])
  })

  it.each([
    ['zeros', (content: Buffer, start: number, end: number) => content.fill(0, start, end)],
    ['noise', (content: Buffer, start: number, end: number) => content.fill('noise', start, end)],
    ['bytes taken out', (content: Buffer, start: number, end: number) => cut(content, start, end)],
    ['a record taken out', (content: Buffer, start: number) => cut(content, start, start + 119)],
  ])('%s in the place of records is noticed', async (_name, damage) => {
    const bench = await benchWith(FIVE.map((text) => [text]))
    const start = bench.place(2).offset
    const end = bench.place(3).offset + bench.place(3).frameBytes
    bench.edit(FIRST, (content) => damage(content, start, end))
    const { texts, events } = await openedTwice(bench)
    expect(texts.filter((text) => text !== 'three')).toEqual(['one', 'four', 'five'])
    expect(events.map(({ type }) => type)).toEqual(['quarantined'])
  })

  it('in an old segment quarantines that one; the others go on as before', async () => {
    const all = texts(90)
    const bench = await benchWith(all.map((text) => [text]))
    const { segment, offset } = bench.place(40)
    expect(segment).not.toBe(bench.place(90).segment)
    bench.edit(segment, (content) => flip(content, offset, 500))
    const log = await bench.open()
    expect(bench.events).toEqual([
      {
        type: 'quarantined',
        segment,
        quarantinedAs: `${segment}.quarantined`,
        reason: `at byte ${offset}: no frame can be read here`,
      },
    ])
    expect(await readTexts(log)).toEqual(all.filter((_, index) => index !== 39))
    expect(await readTexts(log, 40)).toEqual(all.slice(40))
    expect(await log.readOne(40)).toBeUndefined()
    expect(await log.readOne(41)).toMatchObject({ sequence: 41 })
    expect(log.status()).toMatchObject({ writable: true, quarantined: [`${segment}.quarantined`] })
    expect(await log.append([textRecord('next')])).toBe(91)
    await log.close()
    const again = await bench.open()
    expect(bench.events).toEqual([])
    expect(bench.visited).toEqual([...all.filter((_, index) => index !== 39), 'next'])
    await again.close()
  })

  it('of a whole segment that is missing is told at the one before it', async () => {
    const all = texts(90)
    const bench = await benchWith(all.map((text) => [text]))
    const missing = bench.place(40).segment
    const before = [...bench.places.values()].filter(({ segment }) => segment < missing).at(-1)?.segment
    bench.disk.remove(join(DIRECTORY, missing))
    const { texts: shown, events } = await openedTwice(bench)
    expect(shown).toEqual(all.filter((_, index) => bench.place(index + 1).segment !== missing))
    expect(events).toMatchObject([{ type: 'quarantined', segment: before }])
  })

  it('is not the absence of the oldest segments, which retention removes', async () => {
    const all = texts(90)
    const bench = await benchWith(all.map((text) => [text]))
    bench.disk.remove(join(DIRECTORY, FIRST))
    const log = await bench.open()
    expect(bench.events).toEqual([])
    const firstSequence = log.status().firstSequence
    expect(firstSequence).toBeGreaterThan(1)
    expect(await readTexts(log)).toEqual(all.slice(firstSequence - 1))
    await log.close()
  })

  it('of a header costs no record', async () => {
    const all = texts(60)
    for (const sequence of [1, 60]) {
      const bench = await benchWith(all.map((text) => [text]))
      const { segment } = bench.place(sequence)
      bench.edit(segment, (content) => flip(content, 0, 8 * 40))
      const { texts: shown, events } = await openedTwice(bench)
      expect(shown).toEqual(all)
      expect(events).toMatchObject([{ type: 'quarantined', segment, reason: 'its header cannot be read' }])
    }
  })

  it('of the only header costs no record either', async () => {
    const bench = await benchWith(FIVE.map((text) => [text]))
    bench.edit(FIRST, (content) => content.fill(0, 0, SEGMENT_HEADER_BYTES))
    expect((await openedTwice(bench)).texts).toEqual(FIVE)
  })

  it('of everything leaves a log that starts again', async () => {
    const bench = await benchWith(FIVE.map((text) => [text]))
    bench.edit(FIRST, (content) => content.fill(0))
    expect((await openedTwice(bench)).texts).toEqual([])
    expect(bench.names()).toEqual([FIRST, `${FIRST}.quarantined`])
  })

  it('in a quarantined segment and then in its successor of the same name takes another name', async () => {
    const bench = await benchWith(FIVE.map((text) => [text]))
    bench.edit(FIRST, (content) => content.fill(0))
    await (await bench.open()).close()
    bench.edit(FIRST, (content) => content.fill(0))
    await (await bench.open()).close()
    expect(bench.names()).toEqual([FIRST, `${FIRST}.quarantined`, `${FIRST}.quarantined-2`])
  })
})

describe('a record that was replaced', () => {
  const other = 'THREE'

  it('with digest and CRC made to fit does not follow the chain', async () => {
    const bench = await benchWith(FIVE.map((text) => [text]))
    bench.edit(FIRST, (content) => replaceBody(content, bench.place(3).offset, other, { digest: true }))
    const { texts: shown, events } = await openedTwice(bench)
    expect(shown).toEqual(['one', 'two', 'four', 'five'])
    expect(events).toMatchObject([{ type: 'quarantined' }])
  })

  it('with digest, chain and CRC made to fit breaks the chain of the next', async () => {
    const bench = await benchWith(FIVE.map((text) => [text]))
    bench.edit(FIRST, (content) => {
      const { offset } = bench.place(3)
      const before = content.subarray(bench.place(2).offset + FRAME.chain, bench.place(2).offset + FRAME.body)
      return replaceBody(content, offset, other, { digest: true, chainAfter: before })
    })
    const { events } = await openedTwice(bench)
    expect(events).toMatchObject([{ type: 'quarantined' }])
  })

  it('with only the CRC made to fit is not served, and the reader says so', async () => {
    const bench = await benchWith(FIVE.map((text) => [text]))
    bench.edit(FIRST, (content) => replaceBody(content, bench.place(3).offset, other, {}))
    const log = await bench.open()
    expect(await readTexts(log)).toEqual(['one', 'two', 'four', 'five'])
    expect(await log.readOne(3)).toBeUndefined()
    expect(bench.events[0]).toMatchObject({ type: 'damage_read', segment: FIRST, afterSequence: 2 })
    await log.close()
  })

  it('by another of the same log is noticed', async () => {
    const bench = await benchWith(['same', 'size', 'here', 'last'].map((text) => [text]))
    bench.edit(FIRST, (content) => {
      const [two, three] = [bench.place(2), bench.place(3)]
      const swapped = Buffer.from(content)
      content.copy(swapped, two.offset, three.offset, three.offset + three.frameBytes)
      content.copy(swapped, three.offset, two.offset, two.offset + two.frameBytes)
      return swapped
    })
    const { texts: shown, events } = await openedTwice(bench)
    expect(shown[0]).toBe('same')
    expect(shown.at(-1)).toBe('last')
    expect(events).toMatchObject([{ type: 'quarantined' }])
  })
})

describe('bytes from outside', () => {
  it('that look like a frame are not taken for one when the frame around them is damaged', async () => {
    const forged = frameLike(Buffer.alloc(7, 0x5a), 3)
    const bench = new Bench()
    const log = await bench.open()
    await log.append([textRecord('one')])
    await log.append([{ type: 1, encoding: 0, body: forged }])
    await appendEach(log, ['three', 'four'])
    await log.close()
    const places: RecordLocation[] = []
    await (await bench.open({ visit: (_record, location) => places.push(location) })).close()
    bench.edit(FIRST, (content) => flip(content, places[1]?.offset ?? 0, 8 * FRAME.storedLength + 7))
    expect((await openedTwice(bench)).texts).toEqual(['one', 'three', 'four'])
  })

  it('in a segment of another log are set aside, and the log goes on', async () => {
    for (const first of [1, 1000]) {
      const bench = await benchWith(texts(90).map((text) => [text]))
      const foreign = encodeSegmentHeader({
        ...newIdentity(),
        createdMs: 0,
        before: { ...ORIGIN, sequence: first },
      })
      const name = segmentName(first + 1)
      bench.put(name, Buffer.concat([foreign, Buffer.alloc(4096)]))
      const { texts: shown, events } = await openedTwice(bench)
      expect(shown).toEqual(texts(90))
      expect(events).toMatchObject([{ segment: name, reason: 'it belongs to another log' }])
    }
  })

  it('of a newer format are not touched', async () => {
    const bench = await benchWith([['one']])
    bench.edit(FIRST, (content) => {
      content.writeUInt8(9, 8)
      content.writeUInt32LE(crc32c(content.subarray(0, 4092)), 4092)
      return content
    })
    const before = bench.content(FIRST)
    await expect(bench.open()).rejects.toMatchObject({ code: 'unsupported' })
    expect(bench.names()).toEqual([FIRST])
    expect(bench.content(FIRST)).toEqual(before)
  })
})

describe('opening', () => {
  it('writes the last group once more and flushes it before it is shown: its flush may have failed', async () => {
    const bench = await benchWith([['one'], ['two', 'three']])
    const writes: { position: number; sizeBytes: number }[] = []
    const log = await bench.open(
      {},
      {
        write(_path, position, sizeBytes) {
          writes.push({ position, sizeBytes })
          return undefined
        },
        datasync: () => void writes.push({ position: -1, sizeBytes: 0 }),
      },
    )
    const sizeBytes = bench.place(2).frameBytes + bench.place(3).frameBytes
    expect(writes).toEqual([
      { position: bench.place(2).offset, sizeBytes },
      { position: -1, sizeBytes: 0 },
    ])
    await log.close()
  })

  it('removes what a crash left behind, and leaves other files alone', async () => {
    const bench = await benchWith([['one']])
    for (const name of ['next.tmp', `${FIRST}.compact`, 'notes.txt', `${FIRST}.torn`])
      bench.put(name, Buffer.from('x'))
    await (await bench.open()).close()
    expect(bench.names()).toEqual([FIRST, `${FIRST}.torn`, 'notes.txt'])
  })

  it('reads records whose body was dropped, and follows the chain over them', async () => {
    const bench = await benchWith(FIVE.map((text) => [text]))
    bench.edit(FIRST, (content) => dropBody(content, bench.place(3).offset))
    const log = await bench.open()
    expect(bench.events).toEqual([])
    expect(await readTexts(log)).toEqual(['one', 'two', '(dropped)', 'four', 'five'])
    const record = await log.readOne(3)
    expect(record?.bodyLength).toBe('three'.length)
    expect(record?.digest).toEqual(createHash('sha256').update('three').digest())
    expect(await log.append([textRecord('six')])).toBe(6)
    await log.close()
  })

  it('takes the segments of any length as they are', async () => {
    const bench = await benchWith(FIVE.map((text) => [text]))
    const log = await bench.open({ segmentBytes: 65_536 })
    await appendEach(log, ['x'.repeat(3000), 'y'.repeat(20_000)])
    expect(bench.names()).toEqual([FIRST, segmentName(7)])
    expect(bench.content(segmentName(7)).length).toBe(65_536)
    await log.close()
    const smaller = await bench.open()
    expect(bench.visited).toHaveLength(7)
    await smaller.close()
  })

  it('gives each segment the same log id and log secret', async () => {
    const bench = await benchWith(texts(60).map((text) => [text]))
    const headers = bench.names().map((name) => decodeSegmentHeader(bench.content(name)))
    const identities = new Set(
      headers.map(
        (header) =>
          header &&
          'logSecret' in header &&
          `${header.logId.toString('hex')} ${header.logSecret.toString('hex')}`,
      ),
    )
    expect(headers.length).toBeGreaterThan(1)
    expect(identities.size).toBe(1)
  })
})
