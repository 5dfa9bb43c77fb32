import { bytesOfVerdict, record, type wal } from '@fractal-lba/proto'
import { AppError } from '@fractal-lba/runtime'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { SubmissionLogLimits } from './backed-log.js'
import { NOON_MS, submission, type TurnedClocks } from './contract-parts.contract.js'
import { deadLetterContract } from './dead-letters.contract.js'
import { retirementContract } from './retirement.contract.js'
import type { SubmissionLog } from './submission-log.js'

/** One log under test, from opening to opening. */
export interface LogUnderTest {
  /** Opens it; after it was closed with all that it held. */
  open(limits: SubmissionLogLimits, clocks: TurnedClocks): Promise<SubmissionLog>
  /** Brings the open log to where it refuses submissions for want of room, but still takes marks. */
  fill(log: SubmissionLog): Promise<void>
  remove(): Promise<void>
}

const BYTES_MAX = 2 ** 20
const VERDICT: record.Verdict = {
  outcome: undefined,
  fingerprint: Buffer.alloc(33, 1),
  keyId: 'hmac:x',
  parameters: undefined,
  judgedAtMs: 1,
  origin: undefined,
}
/** What holds for every log, whatever keeps its records. */
export function submissionLogContract(name: string, make: () => Promise<LogUnderTest>): void {
  describe(`the contract of a log, kept ${name}`, () => {
    let kept: LogUnderTest
    let log: SubmissionLog
    let clocks: TurnedClocks

    const open = (limits: Partial<SubmissionLogLimits> = {}): Promise<SubmissionLog> =>
      kept.open({ liveLeaseMs: 0, openMax: 200, replayTries: 3, ...limits }, clocks)

    async function reopen(limits: Partial<SubmissionLogLimits> = {}): Promise<void> {
      await log.close()
      log = await open(limits)
    }

    beforeEach(async () => {
      clocks = { wall: NOON_MS, monotonic: 0 }
      kept = await make()
      log = await open()
    })

    afterEach(async () => {
      await log.close()
      await kept.remove()
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
    const refusalOf = (sequence: number): wal.MarkItem => ({
      logId: log.logId,
      mark: { sequence, status: 400, verdict: undefined, indexed: false, generation: '', replayed: false },
    })

    async function marksFrom(sequence: number) {
      const marks: { sequence: number; flushedAtMs: number; of: number }[] = []
      let next = 0
      for await (const read of log.readMarks(sequence)) {
        for (const { sequence, flushedAtMs, mark } of read.marks) {
          marks.push({ sequence, flushedAtMs, of: mark.sequence })
        }
        next = read.nextSequence
        expect(read.nextSequence).toBeLessThanOrEqual(read.endSequence)
      }
      return { marks, sequences: marks.map(({ of }) => of), next }
    }

    const leasedTexts = async (countMax = 10, leaseMs = 1000): Promise<string[]> =>
      (await log.leaseOpen({ countMax, bytesMax: BYTES_MAX }, leaseMs)).map(({ body }) => body.toString())

    describe('positions', () => {
      it('count from 1, in the order of the calls, and go on after a restart', async () => {
        const calls = [
          log.append([submission('a'), submission('b')]),
          log.append([submission('c')]),
          log.append([submission('d'), submission('e')]),
        ]
        const sequences = (await Promise.all(calls)).flat().map(({ sequence }) => sequence)
        expect(sequences).toEqual([1, 2, 3, 4, 5])
        const { logId } = log
        expect(logId).toMatch(/^[0-9a-f]{32}$/)
        await reopen()
        expect(await log.append([submission('f')])).toEqual([{ logId, sequence: 6 }])
      })

      it('are shared by submissions, marks and fences', async () => {
        await log.append([submission('a')])
        expect(await log.fence('g')).toEqual({ logId: log.logId, sequence: 2 })
        expect(await log.mark([mark(1, 'g')])).toEqual([{ logId: log.logId, sequence: 3 }])
        expect(log.status().headSequence).toBe(3)
      })
    })

    describe('submissions', () => {
      it('stay open until they are marked, over a restart too, with the bytes as they came', async () => {
        await log.append([submission('a'), submission('{"b"'), submission('')])
        await log.fence('g')
        await log.mark([mark(1, 'g')])
        await reopen()
        expect(log.status().openCount).toBe(2)
        const leased = await log.leaseOpen({ countMax: 10, bytesMax: BYTES_MAX }, 1000)
        expect(leased.map(({ position, body }) => [position.sequence, body.toString()])).toEqual([
          [2, '{"b"'],
          [3, ''],
        ])
      })

      it('keep their encoding, their stamp and the trace of each, over a restart too', async () => {
        const context = { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`, tracestate: 'k=v' }
        const encoding = record.Encoding.ENCODING_PROTOBUF
        await log.append([{ ...submission('traced'), encoding }, submission('not')], [context, undefined])
        await reopen()
        clocks.wall += 1000
        const leased = await log.leaseOpen({ countMax: 10, bytesMax: BYTES_MAX }, 1000)
        expect(leased.map((one) => one.context)).toEqual([context, undefined])
        expect(leased.map((one) => one.encoding)).toEqual([encoding, record.Encoding.ENCODING_JSON])
        expect(leased.map((one) => one.appendedAtMs)).toEqual([NOON_MS, NOON_MS])
      })

      it('are refused when there are more open ones than may be remembered', async () => {
        await reopen({ openMax: 2 })
        await log.append([submission('a'), submission('b')])
        await expect(log.append([submission('c')])).rejects.toMatchObject({ code: 'unavailable' })
        expect(log.status().refusal).toContain('WAL_OPEN_MAX')
        await log.mark([refusalOf(1)])
        expect(log.status().refusal).toBeUndefined()
        expect(await log.append([submission('c')])).toMatchObject([{ sequence: 4 }])
      })
    })

    describe('leases', () => {
      it('give a submission to one caller at a time, oldest first, until they end', async () => {
        await log.append([submission('a'), submission('b'), submission('c')])
        expect(await leasedTexts(2, 1000)).toEqual(['a', 'b'])
        expect(await leasedTexts(2, 5000)).toEqual(['c'])
        clocks.monotonic += 999
        expect(await leasedTexts()).toEqual([])
        clocks.monotonic += 1
        expect(await leasedTexts()).toEqual(['a', 'b'])
      })

      it('are none for a submission whose live request may be under way', async () => {
        await log.append([submission('live', 60_000), submission('left')])
        expect(await leasedTexts()).toEqual(['left'])
        clocks.monotonic += 60_000
        expect(await leasedTexts(1)).toEqual(['live'])
      })

      it('do not end by the wall clock', async () => {
        await log.append([submission('a', 1000)])
        clocks.wall += 86_400_000
        expect(await leasedTexts()).toEqual([])
      })

      it('end with the mark', async () => {
        await log.append([submission('a')])
        expect(await leasedTexts()).toEqual(['a'])
        await log.mark([refusalOf(1)])
        clocks.monotonic += 10_000
        expect(await leasedTexts()).toEqual([])
      })

      it('wait after a restart for the gateway that may still be working', async () => {
        await log.append([submission('a')])
        await reopen({ liveLeaseMs: 60_000 })
        clocks.monotonic += 59_999
        expect(await leasedTexts()).toEqual([])
        clocks.monotonic += 1
        expect(await leasedTexts()).toEqual(['a'])
      })
    })

    describe('marks', () => {
      it('are refused for another generation than the last fence named, over a restart too', async () => {
        await log.append([submission('a')])
        await log.fence('old')
        await log.fence('new')
        await reopen()
        expect(log.status().generation).toBe('new')
        const [late, current] = await log.mark([mark(1, 'old'), mark(1, 'new')])
        expect(late).toBeInstanceOf(AppError)
        expect(late).toMatchObject({ code: 'superseded' })
        expect(current).toMatchObject({ sequence: 4 })
        expect((await marksFrom(0)).sequences).toEqual([1])
      })

      it('of an older generation stand before the fence, all of them', async () => {
        await log.append([submission('a'), submission('b')])
        await log.fence('old')
        const before = log.mark([mark(1, 'old')])
        const fence = log.fence('new')
        const after = log.mark([mark(2, 'old')])
        const [[marked], position, [refused]] = await Promise.all([before, fence, after])
        expect(marked).not.toBeInstanceOf(AppError)
        expect(refused).toMatchObject({ code: 'superseded' })
        expect((marked as record.Position).sequence).toBeLessThan(position.sequence)
      })

      it('that come from no index are taken whatever the generation; for another log none is', async () => {
        await log.append([submission('a')])
        await log.fence('g')
        const results = await log.mark([
          refusalOf(1),
          mark(1, 'g', 'f'.repeat(32)),
          mark(99, 'g'),
          mark(0, 'g'),
          { logId: log.logId, mark: undefined },
        ])
        const [done, foreign, ...unknown] = results
        expect(done).not.toBeInstanceOf(AppError)
        expect(foreign).toMatchObject({ code: 'superseded' })
        expect(unknown).toMatchObject(Array(3).fill({ code: 'malformed' }))
        expect(log.status().openCount).toBe(0)
      })

      it('may come twice', async () => {
        await log.append([submission('a'), submission('b')])
        await log.mark([refusalOf(1)])
        expect(await log.mark([refusalOf(1)])).toMatchObject([{ sequence: 4 }])
        expect(log.status().openCount).toBe(1)
        expect((await marksFrom(0)).sequences).toEqual([1, 1])
      })

      it('are read back from any position to the end, with all that is in them', async () => {
        await log.fence('g')
        await log.append(Array.from({ length: 20 }, (_, index) => submission(`${index}`)))
        clocks.wall += 5
        await log.mark(Array.from({ length: 20 }, (_, index) => mark(index + 2, 'g')))
        expect((await marksFrom(0)).sequences).toHaveLength(20)
        const { marks, sequences, next } = await marksFrom(32)
        expect([sequences, next]).toEqual([[12, 13, 14, 15, 16, 17, 18, 19, 20, 21], 42])
        expect(marks[0]).toEqual({ sequence: 32, flushedAtMs: NOON_MS + 5, of: 12 })
        expect(await marksFrom(42)).toMatchObject({ sequences: [], next: 42 })
        for await (const read of log.readMarks(41)) {
          if (read.marks.length > 0) expect(read.marks[0]?.mark).toEqual(mark(21, 'g').mark)
        }
      })

      it('are read in bounded steps, and up to the end as of the call', async () => {
        await reopen({ openMax: 1000 })
        await log.append(Array.from({ length: 1000 }, () => submission('x')))
        const verdict = Buffer.alloc(1000, 1)
        const items = Array.from({ length: 1000 }, (_, index) => ({
          logId: log.logId,
          mark: { ...refusalOf(index + 1).mark, verdict } as wal.Mark,
        }))
        for (let start = 0; start < 1000; start += 20) await log.mark(items.slice(start, start + 20))
        const steps: number[] = []
        for await (const { marks, nextSequence, endSequence } of log.readMarks(1)) {
          expect(endSequence).toBe(2001)
          steps.push(marks.length)
          if (nextSequence < endSequence) await log.mark([refusalOf(1)])
        }
        expect(steps.reduce((sum, count) => sum + count, 0)).toBe(1000)
        expect(Math.max(...steps)).toBeLessThan(500)
      })
    })

    describe('fences', () => {
      it.each(['', 'x'.repeat(65), 'a b', 'ä'])('take no generation %j', async (generation) => {
        await expect(log.fence(generation)).rejects.toMatchObject({ code: 'malformed' })
        expect(log.status().generation).toBe('')
      })
    })

    const tools = {
      get log() {
        return log
      },
      get clocks() {
        return clocks
      },
      ...{ reopen, mark, leasedTexts, refusalOf, marksFrom },
      fill: () => kept.fill(log),
    }
    deadLetterContract(tools)
    retirementContract(tools)

    describe('without room', () => {
      it('submissions are refused with the reason that the status gives, marks and fences are taken', async () => {
        await log.append([submission('a')])
        expect(log.status().refusal).toBeUndefined()
        await kept.fill(log)
        const { refusal, headSequence } = log.status()
        expect(refusal).toEqual(expect.any(String))
        const append = log.append([submission('late')])
        await expect(append).rejects.toMatchObject({ code: 'unavailable', message: refusal })
        expect(log.status().headSequence).toBe(headSequence)
        const { sequence } = await log.fence('g')
        const [marked] = await log.mark([mark(1, 'g')])
        expect(marked).toEqual({ logId: log.logId, sequence: sequence + 1 })
        expect((await marksFrom(sequence)).sequences).toEqual([1])
      })
    })

    describe('the status', () => {
      it('of an empty log', () => {
        expect(log.status()).toMatchObject({
          ...{ headSequence: 0, generation: '', openCount: 0, oldestOpenAgeMs: 0, deadLetterCount: 0 },
          ...{ refusal: undefined, damaged: [] },
        })
      })

      it('gives the age of the oldest open submission, and never a negative one', async () => {
        await log.append([submission('a')])
        clocks.wall += 1500.7 // as a clock that advances by the monotonic one does
        await log.append([submission('b')])
        expect(log.status().oldestOpenAgeMs).toBe(1500)
        await log.mark([refusalOf(1)])
        expect(log.status().oldestOpenAgeMs).toBe(0)
        clocks.wall -= 5000
        expect(log.status().oldestOpenAgeMs).toBe(0)
      })

      it('gives a head whose chain follows from all before it, over a restart too', async () => {
        const chains = new Set<string>()
        for (let count = 0; count < 3; count++) {
          await log.append([submission('same')])
          chains.add(log.status().headChain)
        }
        expect(chains.size).toBe(3)
        for (const chain of chains) expect(chain).toMatch(/^[0-9a-f]{64}$/)
        const { headSequence, headChain } = log.status()
        await reopen()
        expect(log.status()).toMatchObject({ headSequence, headChain })
      })

      it('gives a size that grows with what is appended', async () => {
        const before = log.status().sizeBytes
        await log.append([submission('x'.repeat(500))])
        expect(log.status().sizeBytes).toBeGreaterThan(before + 500)
      })
    })

    it('takes nothing after it was closed', async () => {
      const last = log.append([submission('last')])
      await log.close()
      expect(await last).toMatchObject([{ sequence: 1 }])
      await expect(log.append([submission('late')])).rejects.toMatchObject({ code: 'unavailable' })
      log = await open()
      expect(await leasedTexts()).toEqual(['last'])
    })
  })
}
