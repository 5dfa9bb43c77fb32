import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bytesOfVerdict, record, type wal } from '@fractal-lba/proto'
import { monotonicMs, TrustedClock } from '@fractal-lba/runtime'
import { verifyLog } from '@fractal-lba/wal'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { CompactionOptions } from './compaction-pass.js'
import { DirectoryLog } from './directory-log.js'

const DAY_MS = 86_400_000
const BODY_BYTES = 600
/** A segment holds about 24 submissions with their marks. */
const SEGMENT_BYTES = 24 * 1024
const PER_BATCH = 20

let directory: string
let log: DirectoryLog
let wallMs: number
let nowMs: number

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'flk-wal-'))
  wallMs = 1_800_000_000_000
  nowMs = wallMs
  log = await open()
  await log.fence('g')
})

afterEach(async () => {
  await log.close()
  await rm(directory, { recursive: true })
})

const open = (): Promise<DirectoryLog> =>
  DirectoryLog.open(
    {
      ...{ directory, liveLeaseMs: 0, openMax: 10_000, replayTries: 1 },
      ...{ clocks: { wallMs: () => wallMs, monotonicMs }, trustedMs: () => nowMs },
    },
    {
      segmentBytes: SEGMENT_BYTES,
      onFatal: (error) => {
        throw error
      },
    },
  )

async function reopen(): Promise<void> {
  await log.close()
  log = await open()
}

function pass(ms: number): void {
  wallMs += ms
  nowMs += ms
}

const item = (): wal.AppendItem => ({
  body: Buffer.alloc(BODY_BYTES, 'x'),
  encoding: record.Encoding.ENCODING_JSON,
  liveMs: 0,
  arrivedAtMs: 0,
})

function markOf(sequence: number, status: number): wal.MarkItem {
  const judged = status !== 400 && status !== 401
  const verdict = judged
    ? {
        outcome: undefined,
        fingerprint: Buffer.alloc(33, 1),
        keyId: 'k'.repeat(100),
        parameters: undefined,
        judgedAtMs: 1,
        origin: undefined,
      }
    : undefined
  const mark = {
    sequence,
    status,
    verdict: verdict && bytesOfVerdict(verdict),
    indexed: judged,
    generation: judged ? 'g' : '',
    replayed: false,
  }
  return { logId: log.logId, mark }
}

const append = async (): Promise<number[]> =>
  (await log.append(Array.from({ length: PER_BATCH }, item))).map(({ sequence }) => sequence)

/** Submissions that end with that status. */
async function done(status: number): Promise<number[]> {
  const sequences = await append()
  await log.mark(sequences.map((sequence) => markOf(sequence, status)))
  return sequences
}

/** Enough that all before stands in sealed segments. */
async function seal(): Promise<void> {
  for (let batches = 0; batches < 3; batches++) await append()
}

const compact = (options: Partial<CompactionOptions> = {}) =>
  log.compact({
    retentionMs: 14 * DAY_MS,
    dedupTtlMs: 14 * DAY_MS,
    bytesMax: 0,
    now: () => nowMs,
    dryRun: false,
    thorough: true,
    ...options,
  })

async function markedSequences(): Promise<number[]> {
  const sequences: number[] = []
  for await (const { marks } of log.readMarks(0)) {
    for (const { mark } of marks) if (mark) sequences.push(mark.sequence)
  }
  return sequences
}

const openBodies = async (): Promise<number[]> =>
  (await log.leaseOpen({ countMax: 10_000, bytesMax: 1e9 }, 0)).flatMap(({ position, body }) =>
    position && body.length === BODY_BYTES ? [position.sequence] : [],
  )

async function isSound(): Promise<boolean> {
  const reports = verifyLog(directory)
  for (;;) {
    const { done: ended, value } = await reports.next()
    if (ended) return value.sound
  }
}

const segmentNames = async (): Promise<string[]> =>
  (await readdir(directory)).filter((name) => name.endsWith('.seg')).sort()

describe.each([
  ['at once', async () => {}],
  ['after a restart', reopen],
])('compaction %s', (_, before) => {
  it('drops the bodies of refused records at any age, those of judged ones not before the retention age', async () => {
    const refused = await done(400)
    const judged = await done(200)
    await seal()
    await before()
    expect(await compact()).toMatchObject({ bodiesDropped: refused.length, segmentsRemoved: 0 })
    pass(15 * DAY_MS)
    expect(await compact()).toMatchObject({ bodiesDropped: judged.length, segmentsRemoved: 0 })
    expect(await markedSequences()).toEqual([...refused, ...judged])
    expect(await isSound()).toBe(true)
  })

  it('never drops an outcome younger than the TTL, however much the byte limit presses', async () => {
    const judged = await done(200)
    await seal()
    await before()
    pass(13 * DAY_MS)
    const report = await compact({ retentionMs: 1000, bytesMax: 1 })
    expect(report).toMatchObject({ bodiesDropped: judged.length, limitExceeded: true })
    expect(await markedSequences()).toEqual(judged)
    await reopen()
    expect(await markedSequences()).toEqual(judged)
  })

  it('keeps an outcome until no duplicate of its life can be young', async () => {
    const judged = await done(200)
    await seal()
    await before()
    pass(27 * DAY_MS)
    await compact()
    expect(await markedSequences()).toEqual(judged)
    pass(2 * DAY_MS)
    await compact()
    expect(await markedSequences()).toEqual([])
  })

  it('never drops what is unfinished or a dead letter, whatever its age and the byte limit', async () => {
    // Among others that are done, so that their segment is rewritten.
    const batch = await append()
    const unfinished = batch.filter((sequence) => sequence % 2 === 0)
    await log.mark(batch.filter((sequence) => sequence % 2 === 1).map((one) => markOf(one, 200)))
    const [dead = 0, ...stillOpen] = unfinished
    await log.reportReplayFailure({ logId: log.logId, sequence: dead }, 'r')
    await done(200)
    await seal()
    await before()
    pass(1000 * DAY_MS)
    const report = await compact({ bytesMax: 1 })
    expect(report).toMatchObject({ segmentsRemoved: 0, limitExceeded: true })
    expect(report.bodiesDropped).toBeGreaterThanOrEqual(PER_BATCH / 2)
    expect((await openBodies()).slice(0, stillOpen.length)).toEqual(stillOpen)
    await reopen()
    expect(log.status().deadLetterCount).toBe(1)
    await log.redrive(dead)
    expect((await openBodies()).includes(dead)).toBe(true)
  })

  it('removes the oldest segments when all in them is past keeping, and keeps the generation', async () => {
    for (let batches = 0; batches < 4; batches++) await done(200)
    const kept = await append()
    await seal()
    await before()
    pass(29 * DAY_MS)
    const report = await compact()
    expect(report.segmentsRemoved).toBeGreaterThan(0)
    await reopen()
    expect(log.status().generation).toBe('g')
    expect((await openBodies()).slice(0, kept.length)).toEqual(kept)
    expect(await isSound()).toBe(true)
  })

  it('presses younger bodies out, oldest first, only as far as the byte limit asks', async () => {
    const first = await done(200)
    for (let batches = 0; batches < 3; batches++) await done(200)
    await seal()
    await before()
    const bytesMax = log.sizeBytes - (PER_BATCH / 2) * BODY_BYTES
    const report = await compact({ bytesMax })
    expect(report.limitExceeded).toBe(false)
    expect(report.bodiesDropped).toBeGreaterThanOrEqual(PER_BATCH / 2)
    expect(report.bodiesDropped).toBeLessThanOrEqual(2 * first.length)
    expect(await compact({ bytesMax })).toMatchObject({ bodiesDropped: 0, limitExceeded: false })
  })

  it('tells in a dry run what it would do, and does nothing', async () => {
    for (let batches = 0; batches < 4; batches++) await done(batches % 2 ? 200 : 401)
    await append()
    await done(400)
    await seal()
    await before()
    pass(29 * DAY_MS)
    const names = await segmentNames()
    const sizeBytes = log.sizeBytes
    const foretold = await compact({ dryRun: true })
    expect(foretold.bodiesDropped).toBeGreaterThan(0)
    expect(foretold.segmentsRemoved).toBeGreaterThan(0)
    expect([await segmentNames(), log.sizeBytes]).toEqual([names, sizeBytes])
    // The real one may write the fence again.
    expect(await compact()).toEqual({ ...foretold, logBytes: log.sizeBytes })
  })

  it('keeps a mark while the body of its submission is kept', async () => {
    const judged = await done(200)
    await seal()
    await before()
    pass(400 * DAY_MS)
    expect(await compact({ retentionMs: 1000 * DAY_MS })).toMatchObject({ bodiesDropped: 0 })
    expect(await markedSequences()).toEqual(judged)
  })
})

describe('compaction and time', () => {
  it('expires nothing when the wall clock jumps ahead', async () => {
    const judged = await done(200)
    await seal()
    const clock = new TrustedClock(
      () => wallMs,
      () => 0,
    )
    wallMs += 1000 * DAY_MS
    expect(await compact({ now: clock.nowMs })).toMatchObject({ bodiesDropped: 0, segmentsRemoved: 0 })
    expect(await markedSequences()).toEqual(judged)
  })

  it.each([
    ['at once', async () => {}],
    ['after a restart', reopen],
  ])('expires nothing when the wall clock jumps back, %s', async (_, before) => {
    await done(200)
    wallMs -= 1000 * DAY_MS
    for (let batches = 0; batches < 3; batches++) await done(200)
    await seal()
    await before()
    expect(await compact()).toMatchObject({ bodiesDropped: 0, segmentsRemoved: 0 })
    expect(await markedSequences()).toHaveLength(4 * PER_BATCH)
  })

  it.each([
    ['at once', async () => {}],
    ['after a restart', reopen],
  ])(
    'lets what came in a jump ahead, and after it, expire from when the clock was confirmed on, %s',
    async (_, before) => {
      wallMs += 1000 * DAY_MS
      await done(200)
      wallMs -= 1000 * DAY_MS
      await done(200)
      await seal()
      await log.confirmClock()
      await before()
      pass(13 * DAY_MS)
      expect(await compact()).toMatchObject({ bodiesDropped: 0, segmentsRemoved: 0 })
      pass(2 * DAY_MS)
      expect(await compact()).toMatchObject({ bodiesDropped: 2 * PER_BATCH, segmentsRemoved: 0 })
    },
  )
})

describe('recovery after compaction', () => {
  it('counts a submission whose body was dropped as done, without its mark too', async () => {
    await append()
    await done(200)
    await seal()
    const unfinished = log.status().openCount
    pass(29 * DAY_MS)
    expect((await compact()).bodiesDropped).toBe(2 * PER_BATCH)
    await reopen()
    expect(log.status().openCount).toBe(unfinished)
  })

  it('finds little to do again', async () => {
    await done(200)
    await seal()
    pass(15 * DAY_MS)
    await compact()
    expect(await compact()).toMatchObject({ segmentsRewritten: 0, freedBytes: 0 })
    await reopen()
    expect(await compact()).toMatchObject({ segmentsRewritten: 0, freedBytes: 0 })
  })
})
