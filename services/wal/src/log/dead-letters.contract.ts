import type { wal } from '@fractal-lba/proto'
import { describe, expect, it } from 'vitest'
import type { SubmissionLogLimits } from './backed-log.js'
import { NOON_MS, submission, type TurnedClocks } from './contract-parts.contract.js'
import type { SubmissionLog } from './submission-log.js'

/** The log of the test that runs, and what the contract asks it with. */
const BYTES_MAX = 2 ** 20
export interface KeptLog {
  readonly log: SubmissionLog
  readonly clocks: TurnedClocks
  reopen(limits?: Partial<SubmissionLogLimits>): Promise<void>
  mark(sequence: number, generation: string): wal.MarkItem
  leasedTexts(countMax?: number, leaseMs?: number): Promise<string[]>
}

/** The part of the contract that is about submissions which replay cannot finish. */
export function deadLetterContract(kept: KeptLog): void {
  describe('dead letters', () => {
    const fail = (sequence: number, reason = 'because') =>
      kept.log.reportReplayFailure({ logId: kept.log.logId, sequence }, reason)

    const killTwo = async (): Promise<void> => {
      await kept.log.append([submission('a'), submission('b'), submission('c')])
      for (const sequence of [2, 1]) for (let tries = 0; tries < 3; tries++) await fail(sequence)
    }

    it('are what fails so many times for a reason of its own, over a restart too', async () => {
      await kept.log.append([submission('a'), submission('b')])
      expect(await fail(1)).toEqual({ tries: 1, deadLetter: false })
      expect(await fail(1)).toEqual({ tries: 2, deadLetter: false })
      kept.clocks.wall += 7
      expect(await fail(1, 'no\nway')).toEqual({ tries: 3, deadLetter: true })
      for (const restart of [false, true]) {
        if (restart) await kept.reopen()
        expect(kept.log.status()).toMatchObject({ openCount: 1, deadLetterCount: 1 })
        const deadLetter = { sequence: 1, reason: 'no way', tries: 3 }
        expect(kept.log.listDeadLetters(0, 10).entries).toEqual([
          { deadLetter, appendedAtMs: NOON_MS, setAsideAtMs: NOON_MS + 7 },
        ])
        expect(await kept.leasedTexts(10, 0)).toEqual(['b'])
      }
    })

    it('are listed in the order of the log, a page at a time', async () => {
      await killTwo()
      const first = kept.log.listDeadLetters(0, 1)
      expect(first).toMatchObject({
        entries: [{ deadLetter: { sequence: 1 } }],
        nextFromSequence: 2,
        deadLetterCount: 2,
      })
      const second = kept.log.listDeadLetters(first.nextFromSequence, 1)
      expect(second).toMatchObject({ entries: [{ deadLetter: { sequence: 2 } }], nextFromSequence: 0 })
    })

    it('are open again with fresh tries when they are redriven, over a restart too', async () => {
      await killTwo()
      await kept.log.redrive(1)
      for (const restart of [false, true]) {
        if (restart) await kept.reopen()
        expect(kept.log.status().deadLetterCount).toBe(1)
        const leased = await kept.log.leaseOpen({ countMax: 10, bytesMax: BYTES_MAX }, 0)
        expect(leased.map(({ position }) => position.sequence).sort()).toEqual([1, 3])
        expect(await fail(1)).toEqual({ tries: 1, deadLetter: false })
      }
      await expect(kept.log.redrive(3)).rejects.toMatchObject({ code: 'malformed' })
    })

    it('are not made of outages; a replay that failed in one holds its lease for a second at most', async () => {
      await kept.log.append([submission('a')])
      const lease = () => kept.log.leaseOpen({ countMax: 10, bytesMax: BYTES_MAX }, 60_000)
      const position = { logId: kept.log.logId, sequence: 1 }
      for (let time = 0; time < 10; time += 1) {
        expect(await lease()).toHaveLength(1)
        expect(await kept.log.reportReplayFailure(position, 'down', { isOutage: true })).toEqual({
          tries: 0,
          deadLetter: false,
        })
        expect(await lease()).toHaveLength(0)
        kept.clocks.monotonic += 1_000
      }
      expect(await lease()).toHaveLength(1)
      expect(await fail(1)).toEqual({ tries: 1, deadLetter: false })
      kept.clocks.monotonic += 1_000
      expect(await lease()).toHaveLength(1)
    })

    it('are finished by a late mark', async () => {
      await killTwo()
      await kept.log.fence('g')
      await kept.log.mark([kept.mark(1, 'g')])
      expect(kept.log.status().deadLetterCount).toBe(1)
      await kept.reopen()
      expect(kept.log.status()).toMatchObject({ openCount: 1, deadLetterCount: 1 })
    })

    it('come of nothing that is not open, and of no other log', async () => {
      await killTwo()
      expect(await fail(1)).toEqual({ tries: 0, deadLetter: true })
      expect(await fail(99)).toEqual({ tries: 0, deadLetter: false })
      for (const position of [{ logId: 'x', sequence: 3 }, undefined]) {
        await expect(kept.log.reportReplayFailure(position, '')).rejects.toMatchObject({ code: 'superseded' })
      }
    })

    it('count as unfinished where these are limited', async () => {
      await killTwo()
      await kept.reopen({ openMax: 3 })
      await expect(kept.log.append([submission('d')])).rejects.toMatchObject({ code: 'unavailable' })
    })
  })
}
