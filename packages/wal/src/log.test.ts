import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { frameBytes } from './encoder.js'
import { isWalError, type WalErrorCode } from './errors.js'
import { SEGMENT_HEADER_BYTES } from './format.js'
import { nodeFiles } from './node-files.js'
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

let directory: TemporaryDirectory

beforeEach(async () => {
  directory = await temporaryDirectory()
})

afterEach(() => directory.remove())

/** The code with which a call rejects. */
async function codeOf(call: Promise<unknown>): Promise<WalErrorCode | 'resolved'> {
  try {
    await call
    return 'resolved'
  } catch (error) {
    if (isWalError(error)) return error.code
    throw error
  }
}

/** `Array.fromAsync`, which Node 20 does not have. */
async function allOf<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = []
  for await (const item of items) all.push(item)
  return all
}

function texts(count: number, from = 1): string[] {
  return Array.from({ length: count }, (_, index) => `record ${from + index}`)
}

describe('a log', () => {
  it('keeps the stamp that a record brings, and takes none that is not whole milliseconds', async () => {
    const { log } = await openTestLog(directory.path, {
      clock: { wallMs: () => 1_700_000_000_123, after: () => () => undefined },
    })
    await log.append([{ ...textRecord('own'), timeMs: 1_600_000_000_456 }, textRecord('none')])
    await log.close()
    const again = await openTestLog(directory.path)
    const records = (await allOf(again.log.read(1))).flat()
    expect(records.map(({ timeMs }) => timeMs)).toEqual([1_600_000_000_456, 1_700_000_000_123])
    for (const timeMs of [0.5, -1, Number.NaN]) {
      expect(await codeOf(again.log.append([{ ...textRecord('x'), timeMs }]))).toBe('invalid')
    }
  })

  it('reads what was appended, in order, with all its fields', async () => {
    const { log } = await openTestLog(directory.path, {
      clock: { wallMs: () => 1_700_000_000_123, after: () => () => undefined },
    })
    const first = await log.append([
      { type: 1, encoding: 0, body: Buffer.from('one') },
      { type: 255, encoding: 255, body: Buffer.alloc(0) },
    ])
    const third = await log.append([{ type: 7, encoding: 3, body: Buffer.from([0, 1, 2]) }])
    expect([first, third]).toEqual([1, 3])
    const records = (await allOf(log.read(1))).flat()
    const fields = records.map(({ type, encoding, sequence, group, timeMs, body, bodyLength }) => {
      return [type, encoding, sequence, group, timeMs, body?.toString('hex'), bodyLength]
    })
    expect(fields).toEqual([
      [1, 0, 1, 1, 1_700_000_000_123, '6f6e65', 3],
      [255, 255, 2, 1, 1_700_000_000_123, '', 0],
      [7, 3, 3, 2, 1_700_000_000_123, '000102', 3],
    ])
    expect(records.at(-1)?.chain.toString('hex')).toBe(log.head().chain)
    expect(await log.readOne(2)).toMatchObject({ sequence: 2, type: 255 })
    expect(await log.readOne(4)).toBeUndefined()
    await log.close()
  })

  it('goes on after reopening with sequence, group, chain and log id', async () => {
    const one = await openTestLog(directory.path)
    await appendEach(one.log, texts(3))
    const head = one.log.head()
    await one.log.close()
    const two = await openTestLog(directory.path)
    expect(two.log.head()).toEqual(head)
    expect(two.log.logId).toBe(one.log.logId)
    expect(two.visited).toEqual(texts(3))
    expect(await two.log.append([textRecord('record 4')])).toBe(4)
    expect(two.log.head()).toMatchObject({ sequence: 4, group: 4 })
    expect(await readTexts(two.log)).toEqual(texts(4))
    await two.log.close()
  })

  it.each([
    ['of about 30 records', 8192],
    ['of about 200 records', 32_768],
  ])('spreads over segments %s and reads from any record on', async (_name, segmentBytes) => {
    const { log, events } = await openTestLog(directory.path, { segmentBytes })
    await appendEach(log, texts(300))
    expect(events.filter(({ type }) => type === 'segment_created').length).toBeGreaterThan(1)
    for (let from = 1; from <= 300; from += from > 60 && from < 70 ? 1 : 7) {
      expect(await readTexts(log, from), `from ${from}`).toEqual(texts(301 - from, from))
      const one = await log.readOne(from)
      expect(one && textOf(one)).toBe(`record ${from}`)
      const next = await log.readOne(from + 1)
      expect(next && textOf(next)).toBe(from === 300 ? undefined : `record ${from + 1}`)
    }
    expect(await readTexts(log, 301)).toEqual([])
    await log.close()
    const again = await openTestLog(directory.path, { segmentBytes })
    expect(again.visited).toEqual(texts(300))
    expect(await readTexts(again.log, 77)).toEqual(texts(224, 77))
    await again.log.close()
  })

  it('reads up to a given record, in batches of a given size', async () => {
    const { log } = await openTestLog(directory.path)
    await appendEach(log, texts(100))
    const batches = await allOf(log.read(10, { to: 52, batchRecordsMax: 8 }))
    expect(batches.map(({ length }) => length)).toEqual([8, 8, 8, 8, 8, 3])
    expect(batches.flat().map(textOf)).toEqual(texts(43, 10))
    await log.close()
  })

  it('reads records of given types alone', async () => {
    const { log } = await openTestLog(directory.path, { segmentBytes: 8192 })
    const records = texts(100).map((text, index) => ({ ...textRecord(text), type: 1 + (index % 3) }))
    for (const record of records) await log.append([record])
    const read = (await allOf(log.read(20, { types: new Set([2, 3]), batchBytesMax: 512 }))).flat()
    const wanted = records.flatMap(({ type, body }, index) =>
      index >= 19 && type !== 1 ? [body.toString()] : [],
    )
    expect(read.map(textOf)).toEqual(wanted)
    await log.close()
  })

  it('ends a read at the records that were flushed when it was called', async () => {
    const { log } = await openTestLog(directory.path, { segmentBytes: 8192 })
    await appendEach(log, texts(50))
    const reading = log.read(1, { batchBytesMax: 512 })
    const read: string[] = []
    for await (const batch of reading) {
      read.push(...batch.map(textOf))
      await log.append([textRecord('later')]) // also rolls to further segments meanwhile
    }
    expect(read).toEqual(texts(50))
    await log.close()
  })

  it('keeps the last segment at its length, zeros written, and gives the rest of a full one back', async () => {
    const { log } = await openTestLog(directory.path, { segmentBytes: 16_384 })
    const body = 'x'.repeat(5000)
    await appendEach(log, [body, body, body])
    await log.close()
    const full = await directory.read('0000000000000001.seg')
    const last = await directory.read('0000000000000003.seg')
    expect(full.length).toBe(SEGMENT_HEADER_BYTES + 2 * frameBytes(5000))
    expect(last.length).toBe(16_384)
    expect(last.subarray(SEGMENT_HEADER_BYTES + frameBytes(5000)).every((byte) => byte === 0)).toBe(true)
  })

  it('flushes each group before it acknowledges it, in one write and one flush', async () => {
    const calls: string[] = []
    const files = hookedFiles(nodeFiles, {
      write: (path) => {
        if (path.endsWith('.seg') || path.endsWith('next.tmp')) calls.push('write')
        return undefined
      },
      datasync: async () => {
        await new Promise((resolve) => setTimeout(resolve, 5))
        calls.push('flush')
      },
    })
    const { log } = await openTestLog(directory.path, { files })
    calls.length = 0
    const appends = ['a', 'b', 'c'].map(async (text) => {
      await log.append([textRecord(text)])
      calls.push(`acknowledged ${text}`)
    })
    await Promise.all(appends)
    expect(calls).toEqual(['write', 'flush', 'acknowledged a', 'acknowledged b', 'acknowledged c'])
    await log.close()
  })

  it('makes a segment durable under its name before anything is acknowledged in it', async () => {
    const calls: string[] = []
    const files = hookedFiles(nodeFiles, {
      write: (_path, position, sizeBytes) => {
        calls.push(position === 0 && sizeBytes === SEGMENT_HEADER_BYTES ? 'header' : 'write')
        return undefined
      },
      datasync: () => void calls.push('flush'),
      rename: () => void calls.push('rename'),
      syncDirectory: () => void calls.push('sync directory'),
    })
    const { log } = await openTestLog(directory.path, { files })
    await log.append([textRecord('a')])
    expect(calls).toEqual([
      'sync directory', // what recovery left
      'write', // zeros
      'flush',
      'header',
      'flush',
      'rename',
      'sync directory',
      'write',
      'flush',
    ])
    await log.close()
  })

  it('finishes what is in when it is closed, and takes nothing more', async () => {
    const { log } = await openTestLog(directory.path)
    const appends = texts(20).map((text) => log.append([textRecord(text)]))
    const closed = log.close()
    expect(await codeOf(log.append([textRecord('late')]))).toBe('closed')
    await closed
    expect(await Promise.all(appends)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1))
    expect(await directory.list()).toEqual(['0000000000000001.seg'])
    const again = await openTestLog(directory.path)
    expect(again.visited).toEqual(texts(20))
    await again.log.close()
  })

  it('does not mind that the caller uses the bytes again once they are acknowledged', async () => {
    const { log } = await openTestLog(directory.path)
    const body = Buffer.from('before')
    await log.append([{ type: 1, encoding: 0, body }])
    body.write('after!')
    expect(await readTexts(log)).toEqual(['before'])
    await log.close()
  })
})

describe('limits', () => {
  it.each<[string, { type?: number; encoding?: number; sizeBytes?: number; count?: number }, WalErrorCode]>([
    ['a record that is too long', { sizeBytes: 1001 }, 'too_large'],
    ['too many records in one call', { count: 11 }, 'too_large'],
    ['too many bytes in one call', { sizeBytes: 1000, count: 8 }, 'too_large'],
    ['no record', { count: 0 }, 'invalid'],
    ['type 0', { type: 0 }, 'invalid'],
    ['type 256', { type: 256 }, 'invalid'],
    ['encoding −1', { encoding: -1 }, 'invalid'],
    ['encoding 1.5', { encoding: 1.5 }, 'invalid'],
  ])('refuse %s', async (_name, { type = 1, encoding = 0, sizeBytes = 1, count = 1 }, code) => {
    const { log } = await openTestLog(directory.path, {
      recordBytesMax: 1000,
      groupRecordsMax: 10,
      groupBytesMax: 8000,
    })
    const records = Array.from({ length: count }, () => ({ type, encoding, body: Buffer.alloc(sizeBytes) }))
    expect(await codeOf(log.append(records))).toBe(code)
    expect(log.head().sequence).toBe(0)
    expect(await log.append([{ type: 1, encoding: 0, body: Buffer.alloc(1000) }])).toBe(1)
    await log.close()
  })

  it.each([
    { segmentBytes: 8191 },
    { segmentBytes: 1.5 },
    { segmentBytes: 8192, recordBytesMax: 8192 },
    { groupRecordsMax: 65_536 },
    { queueBytesMax: 10 },
  ])('that cannot be kept are refused: %o', async (options) => {
    expect(await codeOf(openTestLog(directory.path, options))).toBe('invalid')
  })

  it('of the queue are kept: what does not fit is refused at once', async () => {
    const { log } = await openTestLog(directory.path, { groupRecordsMax: 4, queueRecordsMax: 4 })
    const appends = texts(5).map((text) => codeOf(log.append([textRecord(text)])))
    expect(await Promise.all(appends)).toEqual(['resolved', 'resolved', 'resolved', 'resolved', 'queue_full'])
    await log.close()
  })

  it('let the longest record fill a segment to its last byte', async () => {
    const { log } = await openTestLog(directory.path, { segmentBytes: 8192 })
    const body = 'x'.repeat(8192 - SEGMENT_HEADER_BYTES - frameBytes(0))
    await appendEach(log, [body, body])
    expect(await readTexts(log)).toEqual([body, body])
    await log.close()
    const again = await openTestLog(directory.path, { segmentBytes: 8192 })
    expect(again.visited).toEqual([body, body])
    expect(again.events).toEqual([])
    await again.log.close()
  })
})

describe('short writes and reads', () => {
  it('are continued where they ended', async () => {
    let call = 0
    const some = (_path: string, _position: number, sizeBytes: number) => {
      call += 1
      return 1 + ((call * 7919) % sizeBytes)
    }
    const files = hookedFiles(nodeFiles, { write: some, read: some })
    const { log } = await openTestLog(directory.path, { files, segmentBytes: 8192 })
    await appendEach(log, texts(60))
    expect(await readTexts(log)).toEqual(texts(60))
    await log.close()
    const again = await openTestLog(directory.path, { files, segmentBytes: 8192 })
    expect(again.visited).toEqual(texts(60))
    expect(again.events).toEqual([])
    await again.log.close()
  })

  it('that write nothing are a failure', async () => {
    let nothing = false
    const files = hookedFiles(nodeFiles, { write: () => (nothing ? 0 : undefined) })
    const { log, fatal } = await openTestLog(directory.path, { files })
    nothing = true
    expect(await codeOf(log.append([textRecord('a')]))).toBe('failed')
    expect(fatal).toHaveLength(1)
    await log.close()
  })
})

describe('a failed write or flush', () => {
  const failure = Object.assign(new Error('EIO: simulated'), { code: 'EIO' })

  it.each(['write', 'datasync', 'syncDirectory', 'rename'] as const)(
    'of %s ends the log: nothing of it or after it is acknowledged, and nothing is tried again',
    async (failing) => {
      let armed = false
      let tries = 0
      const fail = () => {
        if (!armed) return undefined
        tries += 1
        throw failure
      }
      const files = hookedFiles(nodeFiles, { [failing]: fail })
      const { log, fatal } = await openTestLog(directory.path, {
        files,
        segmentBytes: 8192,
        groupRecordsMax: 1,
      })
      await log.append([textRecord('acknowledged')])
      armed = true
      const body = 'x'.repeat(3000) // the second one needs a new segment
      const codes = [1, 2, 3].map(() => codeOf(log.append([textRecord(body)])))
      const settled = await Promise.all(codes)
      const firstFailed = failing === 'write' || failing === 'datasync' ? 0 : 1
      expect(settled).toEqual(settled.map((_, index) => (index < firstFailed ? 'resolved' : 'failed')))
      expect(await codeOf(log.append([textRecord('later')]))).toBe('failed')
      expect(fatal).toEqual([failure])
      expect(tries).toBe(1)
      expect(log.status()).toMatchObject({ writable: false })
      expect(log.head().sequence).toBe(1 + firstFailed)
      expect(await readTexts(log)).toEqual(['acknowledged', body].slice(0, 1 + firstFailed))
      armed = false
      await log.close()
      const again = await openTestLog(directory.path, { segmentBytes: 8192 })
      expect(again.visited.slice(0, 1 + firstFailed)).toEqual(
        ['acknowledged', body].slice(0, 1 + firstFailed),
      )
      await again.log.close()
    },
  )

  it('in the preparation of the next segment ends the log as well', async () => {
    const files = hookedFiles(nodeFiles, {
      datasync: (path) => {
        if (armed && path.endsWith('next.tmp')) throw failure
      },
    })
    let armed = false
    const { log, fatal } = await openTestLog(directory.path, { files, segmentBytes: 8192 })
    armed = true
    await appendEach(log, ['x'.repeat(2500)]) // beyond the half: the next one is prepared
    await vi.waitFor(() => expect(fatal).toEqual([failure]), { timeout: 30_000 })
    expect(await codeOf(log.append([textRecord('later')]))).toBe('failed')
    await log.close()
  })

  it('at opening makes the opening fail, without telling the owner twice', async () => {
    const first = await openTestLog(directory.path)
    await first.log.append([textRecord('a')])
    await first.log.close()
    const files = hookedFiles(nodeFiles, {
      datasync: () => {
        throw failure
      },
    })
    const fatal: Error[] = []
    const opening = openTestLog(directory.path, { files, onFatal: (error) => fatal.push(error) })
    await expect(opening).rejects.toBe(failure)
    expect(fatal).toEqual([])
    const again = await openTestLog(directory.path) // the lock was let go
    expect(again.visited).toEqual(['a'])
    await again.log.close()
  })
})
