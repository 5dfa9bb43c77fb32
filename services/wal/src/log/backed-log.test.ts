import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bytesOfVerdict, record, type wal } from '@fractal-lba/proto'
import { AppError } from '@fractal-lba/runtime'
import { openLog } from '@fractal-lba/wal'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { SubmissionLog } from './backed-log.js'

const VERDICT: record.Verdict = {
  outcome: undefined,
  fingerprint: Buffer.alloc(33, 1),
  keyId: 'hmac:x',
  parameters: undefined,
  judgedAtMs: 1,
  origin: undefined,
}

let directory: string
let log: SubmissionLog

const open = (liveLeaseMs = 0, openMax = 100): Promise<SubmissionLog> =>
  SubmissionLog.open(
    directory,
    { liveLeaseMs, openMax, replayTries: 3 },
    {
      segmentBytes: 2 ** 20,
      onFatal: (error) => {
        throw error
      },
    },
  )

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'flk-wal-'))
  log = await open()
})

afterEach(async () => {
  await log.close()
  await rm(directory, { recursive: true })
})

const submission = (text: string, liveMs = 0): wal.AppendItem => ({
  body: Buffer.from(text),
  encoding: record.Encoding.ENCODING_JSON,
  liveMs,
  arrivedAtMs: 0,
})

const mark = (sequence: number, generation: string, logId = log.logId): wal.MarkItem => ({
  logId,
  mark: {
    sequence,
    status: 200,
    verdict: bytesOfVerdict(VERDICT),
    indexed: true,
    generation,
    replayed: false,
  },
})

async function marksFrom(sequence: number) {
  const marks: wal.StoredMark[] = []
  let next = 0
  for await (const read of log.readMarks(sequence)) {
    marks.push(...read.marks)
    next = read.nextSequence
    expect(read.nextSequence).toBeLessThanOrEqual(read.endSequence)
  }
  return { sequences: marks.map((stored) => stored.mark?.sequence), next }
}

describe('SubmissionLog', () => {
  it('keeps what has no mark open, over a restart too, with the bytes as they came', async () => {
    const positions = await log.append([submission('a'), submission('{"b"'), submission('')])
    expect(positions.map(({ sequence }) => sequence)).toEqual([1, 2, 3])
    await log.fence('g')
    await log.markDone([mark(1, 'g')])
    await log.close()
    log = await open()
    expect(log.openCount).toBe(2)
    const entries = await log.leaseOpen(10, 1000)
    expect(entries.map(({ position, body }) => [position?.sequence, body.toString()])).toEqual([
      [2, '{"b"'],
      [3, ''],
    ])
  })

  it('refuses a log with submissions from before the envelope, with a sentence', async () => {
    await log.close()
    const onFatal = (error: Error): never => {
      throw error
    }
    const older = await openLog(directory, { segmentBytes: 2 ** 20, onFatal })
    await older.append([{ type: 1, encoding: 1, body: Buffer.from('{}') }])
    await older.close()
    await expect(open()).rejects.toThrow('set WAL_DIR to a new directory')
  })

  it('keeps the trace of each submission in its envelope, over a restart too', async () => {
    const context = { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`, tracestate: 'k=v' }
    await log.append([submission('traced'), submission('not')], [context, undefined])
    await log.close()
    log = await open()
    const entries = await log.leaseOpen(10, 1000)
    expect(entries.map((entry) => entry.context)).toEqual([context, undefined])
  })

  it('hands an open entry to one caller at a time, and never one whose live request may be under way', async () => {
    await log.append([submission('live', 60_000), submission('left')])
    expect((await log.leaseOpen(10, 60_000)).map(({ body }) => body.toString())).toEqual(['left'])
    expect(await log.leaseOpen(10, 60_000)).toEqual([])
  })

  it('holds back what a gateway may still be working on after a restart', async () => {
    await log.append([submission('a')])
    await log.close()
    log = await open(60_000)
    expect(await log.leaseOpen(10, 1000)).toEqual([])
  })

  it('refuses marks of another generation than the last fence named, over a restart too', async () => {
    await log.append([submission('a')])
    await log.fence('old')
    await log.fence('new')
    await log.close()
    log = await open()
    const [late, current] = await log.markDone([mark(1, 'old'), mark(1, 'new')])
    expect(late).toBeInstanceOf(AppError)
    expect(late).toMatchObject({ code: 'superseded' })
    expect(current).toMatchObject({ sequence: 4 })
    expect((await marksFrom(0)).sequences).toEqual([1])
  })

  it('puts every mark of an older generation before the fence', async () => {
    await log.append([submission('a'), submission('b')])
    await log.fence('old')
    const before = log.markDone([mark(1, 'old')])
    const fence = log.fence('new')
    const after = log.markDone([mark(2, 'old')])
    const [[marked], position, [refused]] = await Promise.all([before, fence, after])
    expect(marked).not.toBeInstanceOf(AppError)
    expect(refused).toMatchObject({ code: 'superseded' })
    expect((marked as record.Position).sequence).toBeLessThan(position.sequence)
  })

  it('takes marks that come from no index whatever the generation, and refuses those for another log', async () => {
    await log.append([submission('a')])
    await log.fence('g')
    const refusal = {
      sequence: 1,
      status: 400,
      verdict: undefined,
      indexed: false,
      generation: '',
      replayed: false,
    }
    const [done, foreign, unknown] = await log.markDone([
      { logId: log.logId, mark: refusal },
      mark(1, 'g', 'f'.repeat(32)),
      mark(99, 'g'),
    ])
    expect(done).not.toBeInstanceOf(AppError)
    expect(foreign).toMatchObject({ code: 'superseded' })
    expect(unknown).toMatchObject({ code: 'malformed' })
    expect(log.openCount).toBe(0)
  })

  it('reads marks back from any position to the end', async () => {
    await log.fence('g')
    await log.append(Array.from({ length: 20 }, (_, index) => submission(`${index}`)))
    await log.markDone(Array.from({ length: 20 }, (_, index) => mark(index + 2, 'g')))
    expect((await marksFrom(0)).sequences).toHaveLength(20)
    expect(await marksFrom(32)).toEqual({ sequences: [12, 13, 14, 15, 16, 17, 18, 19, 20, 21], next: 42 })
    expect(await marksFrom(42)).toEqual({ sequences: [], next: 42 })
  })

  it('refuses more open submissions than it may remember', async () => {
    await log.close()
    log = await open(0, 2)
    await log.append([submission('a'), submission('b')])
    await expect(log.append([submission('c')])).rejects.toMatchObject({ code: 'unavailable' })
  })

  it.each(['', 'x'.repeat(65), 'a b', 'ä'])('takes no generation %j', async (generation) => {
    await expect(log.fence(generation)).rejects.toMatchObject({ code: 'malformed' })
  })

  describe('dead letters', () => {
    const fail = (sequence: number, reason = 'because') =>
      log.reportReplayFailure({ logId: log.logId, sequence }, reason)

    const killTwo = async (): Promise<void> => {
      await log.append([submission('a'), submission('b'), submission('c')])
      for (const sequence of [2, 1]) for (let tries = 0; tries < 3; tries++) await fail(sequence)
    }

    it('sets aside what fails so many times for a reason of its own, over a restart too', async () => {
      await log.append([submission('a'), submission('b')])
      expect(await fail(1)).toEqual({ tries: 1, deadLetter: false })
      expect(await fail(1)).toEqual({ tries: 2, deadLetter: false })
      expect(await fail(1, 'no\nway')).toEqual({ tries: 3, deadLetter: true })
      for (const restart of [false, true]) {
        if (restart) {
          await log.close()
          log = await open()
        }
        expect([log.openCount, log.deadLetterCount]).toEqual([1, 1])
        expect(log.listDeadLetters(0, 10).entries).toMatchObject([
          { deadLetter: { sequence: 1, reason: 'no way', tries: 3 } },
        ])
        expect((await log.leaseOpen(10, 0)).map(({ body }) => body.toString())).toEqual(['b'])
      }
    })

    it('lists them in the order of the log, a page at a time', async () => {
      await killTwo()
      const first = log.listDeadLetters(0, 1)
      expect(first).toMatchObject({
        entries: [{ deadLetter: { sequence: 1 } }],
        nextFromSequence: 2,
        deadLetterCount: 2,
      })
      const second = log.listDeadLetters(first.nextFromSequence, 1)
      expect(second).toMatchObject({ entries: [{ deadLetter: { sequence: 2 } }], nextFromSequence: 0 })
    })

    it('drives one again with fresh tries, over a restart too', async () => {
      await killTwo()
      await log.redrive(1)
      for (const restart of [false, true]) {
        if (restart) {
          await log.close()
          log = await open()
        }
        expect(log.deadLetterCount).toBe(1)
        expect((await log.leaseOpen(10, 0)).map(({ position }) => position?.sequence).sort()).toEqual([1, 3])
        expect(await fail(1)).toEqual({ tries: 1, deadLetter: false })
      }
      await expect(log.redrive(3)).rejects.toMatchObject({ code: 'malformed' })
    })

    it('are finished by a late mark', async () => {
      await killTwo()
      await log.fence('g')
      await log.markDone([mark(1, 'g')])
      expect(log.deadLetterCount).toBe(1)
      await log.close()
      log = await open()
      expect([log.openCount, log.deadLetterCount]).toEqual([1, 1])
    })

    it('counts nothing for what is not open, and for another log', async () => {
      await killTwo()
      expect(await fail(1)).toEqual({ tries: 0, deadLetter: true })
      expect(await fail(99)).toEqual({ tries: 0, deadLetter: false })
      await expect(log.reportReplayFailure({ logId: 'x', sequence: 3 }, '')).rejects.toMatchObject({
        code: 'superseded',
      })
    })

    it('count as unfinished where these are limited', async () => {
      await killTwo()
      await log.close()
      log = await open(0, 3)
      await expect(log.append([submission('d')])).rejects.toMatchObject({ code: 'unavailable' })
    })
  })
})
