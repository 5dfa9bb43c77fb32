import type { wal } from '@fractal-lba/proto'
import { AppError } from '@fractal-lba/runtime'
import { describe, expect, it } from 'vitest'
import { NOON_MS, submission } from './contract-parts.contract.js'
import type { KeptLog } from './dead-letters.contract.js'
import type { StoredMark } from './submission-log.js'

const OTHER_LOG = 'b'.repeat(32)

/** What the contract of retirement asks a log with, beside what dead letters need. */
export interface RetirableLog extends KeptLog {
  refusalOf(sequence: number): wal.MarkItem
  marksFrom(sequence: number): Promise<{ marks: { sequence: number; flushedAtMs: number; of: number }[] }>
  fill(): Promise<void>
}

/** The part of the contract that is about the end of a log: it drains, its marks are copied, it is retired. */
export function retirementContract(kept: RetirableLog): void {
  describe('a log that drains', () => {
    it('takes no submissions from the call on, over a restart too, and finishes what is open', async () => {
      await kept.log.append([submission('a')])
      const drained = kept.log.drain(true)
      await expect(kept.log.append([submission('late')])).rejects.toThrow('this log drains')
      await drained
      await kept.reopen()
      expect(kept.log.status()).toMatchObject({ draining: true, openCount: 1 })
      await expect(kept.log.append([submission('later')])).rejects.toMatchObject({ code: 'unavailable' })
      expect(await kept.leasedTexts()).toEqual(['a'])
      await kept.log.mark([kept.refusalOf(1)])
      expect(kept.log.status()).toMatchObject({ draining: true, openCount: 0 })
    })

    it('takes submissions again when it is told to, over a restart too', async () => {
      await kept.log.drain(true)
      await kept.log.drain(false)
      await kept.log.append([submission('a')])
      await kept.reopen()
      expect(kept.log.status()).toMatchObject({ draining: false, refusal: undefined, openCount: 1 })
      await kept.log.append([submission('b')])
      expect(await kept.leasedTexts()).toEqual(['a', 'b'])
    })
  })

  describe('marks of another log', () => {
    const marked = (sequence: number, changes: Partial<wal.Mark> = {}): StoredMark => {
      const { mark } = kept.mark(sequence, 'old')
      if (!mark) throw new Error('an item has its mark')
      return { sequence: sequence + 100, flushedAtMs: NOON_MS - 5_000, mark: { ...mark, ...changes } }
    }

    it('are read back as they were made there, over a restart too, whatever their generation', async () => {
      await kept.log.append([submission('a')])
      await kept.log.fence('new')
      const copied = [marked(1), marked(7, { status: 409 })]
      const position = await kept.log.copyMarks(OTHER_LOG, copied)
      expect(position).toEqual({ logId: kept.log.logId, sequence: 4 })
      for (const restart of [false, true]) {
        if (restart) await kept.reopen()
        const read: StoredMark[] = []
        for await (const { marks } of kept.log.readMarks(0)) read.push(...marks)
        expect(read).toMatchObject(
          copied.map(({ mark, flushedAtMs }, index) => ({
            sequence: index + 3,
            flushedAtMs,
            mark: {
              ...mark,
              sequence: 0,
              copiedFrom: { logId: OTHER_LOG, sequence: copied[index]?.sequence },
            },
          })),
        )
        // Here, number 1 is open still: what was done there is not done here.
        expect(kept.log.status()).toMatchObject({ openCount: 1, lastMarkMs: NOON_MS })
      }
    })

    it('are left out where they do not belong into the index, and never come from the log itself', async () => {
      await kept.log.copyMarks(OTHER_LOG, [marked(1, { indexed: false })])
      expect(kept.log.status().headSequence).toBe(0)
      await expect(kept.log.copyMarks(kept.log.logId, [])).rejects.toMatchObject({ code: 'malformed' })
      await expect(kept.log.copyMarks('b', [])).rejects.toMatchObject({ code: 'malformed' })
    })

    it('are taken only while submissions are: what room is left is for the log itself', async () => {
      await kept.fill()
      await expect(kept.log.copyMarks(OTHER_LOG, [marked(1)])).rejects.toMatchObject({ code: 'unavailable' })
    })

    it('are copied on with the time at which they were first made', async () => {
      const copiedFrom = { logId: 'c'.repeat(32), sequence: 9, flushedAtMs: 1 }
      const again = marked(1)
      const mark = { ...again.mark, sequence: 0, copiedFrom }
      await kept.log.copyMarks(OTHER_LOG, [{ ...again, mark }])
      expect((await kept.marksFrom(0)).marks).toEqual([{ sequence: 1, flushedAtMs: NOON_MS - 5_000, of: 0 }])
    })
  })

  describe('a log that is retired', () => {
    const fenced = { indexLogIds: ['a'.repeat(32), OTHER_LOG], retiredLogIds: [OTHER_LOG] }
    const retired = async (): Promise<void> => {
      await kept.log.append([submission('a')])
      await kept.log.fence('g', fenced)
      await kept.log.mark([kept.mark(1, 'g')])
      await kept.log.drain(true)
      const { headSequence } = kept.log.status()
      await kept.log.retire(headSequence + 1)
    }

    it('takes no submissions and no marks of the index, over a restart too, and can be read', async () => {
      await retired()
      for (const restart of [false, true]) {
        if (restart) await kept.reopen()
        const status = kept.log.status()
        expect(status).toMatchObject({ retired: true, generation: 'g', refusal: /is retired/ })
        expect(status.fencedLogs).toMatchObject({ ...fenced, retiredLogIds: [OTHER_LOG, kept.log.logId] })
        await expect(kept.log.append([submission('late')])).rejects.toThrow('is retired')
        const [late] = await kept.log.mark([kept.mark(1, 'g')])
        expect(late).toBeInstanceOf(AppError)
        expect(late).toMatchObject({ code: 'superseded' })
        expect((await kept.marksFrom(0)).marks).toHaveLength(1)
      }
    })

    it('stays so: it takes submissions never again, and a fence does not change it', async () => {
      await retired()
      await expect(kept.log.drain(false)).rejects.toMatchObject({ code: 'superseded' })
      await kept.log.fence('next', fenced)
      await kept.reopen()
      expect(kept.log.status()).toMatchObject({ retired: true, generation: 'next' })
      await expect(kept.log.append([submission('late')])).rejects.toThrow('is retired')
    })

    it('was drained before, had nothing unfinished, and has not gone on since its marks were read', async () => {
      const refused = (next: number): Promise<void> =>
        expect(kept.log.retire(next)).rejects.toMatchObject({ code: 'superseded' })
      await kept.log.append([submission('a'), submission('b')])
      await refused(3)
      await kept.log.drain(true)
      await refused(4)
      for (let tries = 0; tries < 3; tries++) {
        await kept.log.reportReplayFailure({ logId: kept.log.logId, sequence: 1 }, 'because')
      }
      await kept.log.mark([kept.refusalOf(2)])
      expect(kept.log.status()).toMatchObject({ headSequence: 5, openCount: 0, deadLetterCount: 1 })
      await refused(6)
      await kept.log.mark([kept.refusalOf(1)])
      await refused(6)
      const late = kept.log.mark([kept.refusalOf(1)])
      await refused(7)
      await late
      expect(kept.log.status()).toMatchObject({ retired: false, draining: true, headSequence: 7 })
      await kept.log.retire(8)
      expect(kept.log.status().retired).toBe(true)
    })
  })
}
