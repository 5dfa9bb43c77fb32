import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it, onTestFinished } from 'vitest'
import { CheckAhead, type CheckThread, type ChunkCheck } from './check-ahead.js'
import { encodeGroup, frameBytes } from './encoder.js'
import type { OpenFile } from './files.js'
import { FRAME, ORIGIN } from './format.js'
import { type CheckRange, FrameCheck } from './frame-check.js'
import { FrameScan, type ScanPoint } from './scan.js'
import { benchWith, FIRST, flip, frameLike, replaceBody, texts } from './testing/damage-bench.js'

const LOG_SECRET = Buffer.from('mark567')
const ZEROS = 300
const GROUPS = [3, 1, 5, 2, 4]
const BEFORE: ScanPoint = { ...ORIGIN, group: ORIGIN.group }

/** Frames of bodies of all lengths, in a few groups, and zeros behind them. */
function frames(bodyOf: (sizeBytes: number) => Buffer = randomBytes): Buffer {
  const parts: Buffer[] = []
  let before = ORIGIN
  for (const [index, count] of GROUPS.entries()) {
    const bodies = Array.from({ length: count }, (_, place) => bodyOf(17 * index + 5 * place))
    const target = Buffer.alloc(bodies.reduce((sum, { length }) => sum + frameBytes(length), 0))
    const records = bodies.map((body) => ({ type: 1, encoding: 1, body }))
    before = encodeGroup(target, records, before, LOG_SECRET, 1_000 + index)
    parts.push(target)
  }
  return Buffer.concat([...parts, Buffer.alloc(ZEROS)])
}

/** The part of a file that a scan needs. */
function fileOf(content: Buffer): OpenFile {
  const none = async (): Promise<never> => {
    throw new Error('a scan only reads')
  }
  return {
    read: async (target, position) => content.copy(target, 0, position, position + target.length),
    write: none,
    datasync: none,
    truncate: none,
    size: async () => content.length,
    close: none,
  }
}

/** The same in the thread of the caller; by turns with CRC32C and without, where nothing else is asked for. */
function checkHere(
  range: CheckRange,
  crcOf = (chunk: number): boolean => chunk % 2 === 0,
): { check: ChunkCheck; checkedTo: () => number } {
  const frameCheck = new FrameCheck(range)
  let chunks = 0
  let to = 0
  const check: ChunkCheck = async (buffer, headroomBytes, lengthBytes) => {
    const crc = crcOf(chunks++)
    to = frameCheck.check(buffer.subarray(0, headroomBytes + lengthBytes), headroomBytes, crc)
    return { to, crc }
  }
  return { check, checkedTo: () => to }
}

/** Everything that a scan finds. */
async function scanned(
  content: Buffer,
  chunkBytes: number,
  check: ChunkCheck | undefined,
  before = BEFORE,
): Promise<unknown> {
  const found: unknown[] = []
  const range = { start: 0, end: content.length, before, logSecret: LOG_SECRET, sequenceMax: 1_000 }
  const options = { ...range, checkDigests: false, checkChain: true, chunkBytes, reuseBuffers: true, check }
  const scan = new FrameScan(fileOf(content), options, {
    frame: (_bytes, _offset, position, fields) => found.push([position, { ...fields }]),
    damage: (damage) => found.push(damage),
  })
  await scan.run()
  return { found, point: scan.point, intactEnd: scan.intactEnd, lastGroupStart: scan.lastGroupStart }
}

const rangeOf = (content: Buffer): CheckRange => ({
  start: 0,
  end: content.length,
  chain: ORIGIN.chain,
  logSecret: LOG_SECRET,
})

describe('frames that are checked ahead', () => {
  it.each([64, 250, 1_000, 100_000])('passes all of what is intact, in chunks of %i', async (chunkBytes) => {
    const content = frames()
    const { check, checkedTo } = checkHere(rangeOf(content))
    expect(await scanned(content, chunkBytes, check)).toEqual(await scanned(content, chunkBytes, undefined))
    expect(checkedTo()).toBe(content.length - ZEROS)
  })

  it.each([
    ['CRC32C and chain', () => true],
    ['the chain', () => false],
    ['both by turns', undefined],
  ])('come out as without, wherever a byte is damaged: %s', async (_name, crcOf) => {
    const whole = frames()
    for (let at = 0; at < whole.length; at++) {
      const content = flip(Buffer.from(whole), at, at % 8)
      const { check } = checkHere(rangeOf(content), crcOf)
      expect(await scanned(content, 250, check), `byte ${at}`).toEqual(await scanned(content, 250, undefined))
    }
  })

  it('come out as without where the scan objects and the check does not', async () => {
    const forged = frameLike(LOG_SECRET, 900)
    forged.writeUInt32LE(0xbad, FRAME.crc)
    const content = frames(() => forged)
    const before = { ...BEFORE, sequence: 3, group: undefined }
    const { check, checkedTo } = checkHere(rangeOf(content))
    const found = await scanned(content, 250, check, before)
    expect(checkedTo()).toBe(content.length - ZEROS)
    expect(found).toEqual(await scanned(content, 250, undefined, before))
  })

  const one = frames()
  const afterFirst = frameBytes(0)
  it.each([
    ['a torn frame before intact ones', Buffer.concat([one.subarray(0, 500), one])],
    ['all of them twice', Buffer.concat([one.subarray(0, one.length - ZEROS), one])],
    ['the first one taken out', one.subarray(afterFirst)],
    [
      'another body with its digest, not its chain',
      replaceBody(frames(), afterFirst, 'other', { digest: true }),
    ],
    ['zeros before them', Buffer.concat([Buffer.alloc(50), one])],
    ['nothing', Buffer.alloc(0)],
  ])('come out as without: %s', async (_name, content) => {
    const { check } = checkHere(rangeOf(content))
    expect(await scanned(content, 250, check)).toEqual(await scanned(content, 250, undefined))
  })
})

describe('the thread', () => {
  const threads: CheckAhead[] = []
  const failures: Error[] = []
  const thread = (options?: CheckThread): CheckAhead => {
    const ahead = new CheckAhead((error) => failures.push(error), options)
    threads.push(ahead)
    return ahead
  }
  afterEach(async () => {
    for (const ahead of threads.splice(0)) await ahead.close()
    failures.length = 0
  })

  it('checks one segment after the other', async () => {
    const ahead = thread()
    for (let round = 0; round < 3; round++) {
      const content = frames()
      const check = ahead.segment(rangeOf(content))
      expect(await scanned(content, 250, check)).toEqual(await scanned(content, 250, undefined))
      const checked = await ahead.segment(rangeOf(content))(shared(content), 0, content.length)
      expect(checked).toEqual({ to: content.length - ZEROS, crc: true })
    }
    expect(failures).toEqual([])
  })

  it('that fails leaves everything to the scan', async () => {
    const ahead = thread()
    const content = frames()
    const check = ahead.segment({ ...rangeOf(content), logSecret: undefined as never })
    expect(await scanned(content, 250, check)).toEqual(await scanned(content, 250, undefined))
    expect(failures).toHaveLength(1)
    const checked = await ahead.segment(rangeOf(content))(shared(content), 0, content.length)
    expect(checked).toEqual({ to: 0, crc: false })
  })

  it('that hangs leaves everything to the scan, after a while', async () => {
    const ahead = thread({ program: hangingProgram(), answerTimeoutMs: 50 })
    const content = frames()
    const check = ahead.segment(rangeOf(content))
    expect(await scanned(content, 250, check)).toEqual(await scanned(content, 250, undefined))
    expect(failures.map(({ message }) => message)).toEqual(['the thread has not answered for 50 ms'])
    const checked = await ahead.segment(rangeOf(content))(shared(content), 0, content.length)
    expect(checked).toEqual({ to: 0, crc: false })
    await ahead.close()
  })

  it('that is closed answers those who wait', async () => {
    const ahead = thread()
    const content = frames()
    const checked = ahead.segment(rangeOf(content))(shared(content), 0, content.length)
    await ahead.close()
    expect([0, content.length - ZEROS]).toContain((await checked).to)
    expect(failures).toEqual([])
  })

  it('changes nothing in what opening a log finds, intact or damaged', async () => {
    const whole = await benchWith(texts(200).map((text) => [text]))
    expect(whole.names().length).toBeGreaterThan(3)
    const damaged = whole.copy()
    damaged.edit(FIRST, (content) => flip(content, damaged.place(5).offset, 500))
    for (const bench of [whole, damaged]) {
      const opened = async (checkAheadBytes: number): Promise<unknown> => {
        const copy = bench.copy()
        const log = await copy.open({ checkAheadBytes })
        await log.close()
        return { visited: copy.visited, events: copy.events, head: log.head() }
      }
      expect(await opened(0)).toEqual(await opened(Number.MAX_SAFE_INTEGER))
    }
  })
})

function shared(content: Buffer): Buffer {
  const buffer = Buffer.from(new SharedArrayBuffer(content.length))
  content.copy(buffer)
  return buffer
}

/** A program for the thread that never comes to its first message. */
function hangingProgram(): string {
  const directory = mkdtempSync(join(tmpdir(), 'hanging-check-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  const program = join(directory, 'hang.mjs')
  writeFileSync(program, 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)')
  return program
}
