import { bytesOfVerdict, record, type wal } from '@fractal-lba/proto'
import { createLogger, ProcessClock } from '@fractal-lba/runtime'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { SubmissionLog } from './log/submission-log.js'
import { type LogClock, watchLogClock } from './log-clock.js'
import { MemoryBackend } from './memory/memory-backend.js'
import { memoryLog } from './memory/memory-log.js'

const NOON_MS = 1_800_000_000_000
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const LIMIT_MS = 300_000
const LIMITS = { openMax: 100, liveLeaseMs: 0, replayTries: 1 }
const VERDICT = {
  ...{ outcome: undefined, fingerprint: Buffer.alloc(33, 1), keyId: 'k', parameters: undefined },
  ...{ judgedAtMs: 1, origin: undefined },
}

describe('the stamps of a log', () => {
  let backend: MemoryBackend
  let time: { wallMs: number; monotonicMs: number }
  let log: SubmissionLog
  let clock: ProcessClock
  let logClock: LogClock

  /** One life of a wal process. */
  async function start(): Promise<void> {
    const stopping = new AbortController()
    clock = new ProcessClock({
      ...{ limitMs: LIMIT_MS, hostId: 'here', wall: () => time.wallMs, monotonic: () => time.monotonicMs },
    })
    clock.awaitLog()
    const { nowMs, monotonicMs } = clock
    log = memoryLog(backend, LIMITS, { wallMs: nowMs, monotonicMs })
    const options = { limitMs: LIMIT_MS, logger: createLogger('wal', 'fatal'), stopping: stopping.signal }
    logClock = await watchLogClock(log, clock, options)
    onTestFinished(() => stopping.abort())
  }

  const pass = (ms: number): void => {
    time.wallMs += ms
    time.monotonicMs += ms
  }
  /** Writes a submission with its mark, and gives the mark's stamp as it is read back. */
  async function stamp(): Promise<number> {
    const item: wal.AppendItem = {
      ...{ body: Buffer.from('a'), encoding: record.Encoding.ENCODING_JSON, liveMs: 0, arrivedAtMs: 0 },
    }
    const [position] = await log.append([item])
    const { logId, sequence } = position ?? { logId: '', sequence: 0 }
    const mark = { sequence, status: 200, verdict: bytesOfVerdict(VERDICT), replayed: false }
    await log.mark([{ logId, mark: { ...mark, indexed: true, generation: 'g' } }])
    return (await stamps()).at(-1) ?? Number.NaN
  }
  async function stamps(): Promise<number[]> {
    const read: number[] = []
    for await (const { marks } of log.readMarks(1)) read.push(...marks.map(({ flushedAtMs }) => flushedAtMs))
    return read
  }

  beforeEach(async () => {
    backend = new MemoryBackend({ bytesMax: 1_000_000 })
    time = { wallMs: NOON_MS, monotonicMs: 5_000 }
    await start()
    await log.fence('g')
  })

  it('go on by the monotonic clock while the wall clock jumps', async () => {
    time.wallMs -= 15 * DAY_MS
    expect(await stamp()).toBe(NOON_MS)
    time.wallMs += 1_000 * DAY_MS
    pass(HOUR_MS)
    expect(await stamp()).toBe(NOON_MS + HOUR_MS)
    clock.judge()
    expect(clock.judgement.state).toBe('off')
  })

  it.each([1_000, HOUR_MS, 15 * DAY_MS])(
    'go on from the last one when a start finds the clock %i ms behind',
    async (behindMs) => {
      await stamp()
      time.wallMs -= behindMs
      await start()
      pass(HOUR_MS)
      expect(await stamp()).toBe(NOON_MS + HOUR_MS)
      expect(clock.isTrusted).toBe(behindMs < LIMIT_MS)
    },
  )

  it('stay unconfirmed over restarts when a start found the clock far ahead', async () => {
    await stamp()
    time.wallMs += 15 * DAY_MS
    for (let restarts = 0; restarts < 3; restarts += 1) {
      await start()
      expect(clock.judgement.state).toBe('unconfirmed')
      expect(clock.expiredMs()).toBe(0)
      await stamp()
    }
    await logClock.confirm(time.wallMs)
    expect(clock.isTrusted).toBe(true)
    await start()
    expect(clock.isTrusted).toBe(true)
  })

  it('are confirmed by a process on another host, for the next start too', async () => {
    await stamp()
    pass(DAY_MS)
    await start()
    const { monotonicMs } = time
    clock.notePeer(
      { nowMs: time.wallMs, hostId: 'there', processId: 'b', service: 'dedup' },
      monotonicMs,
      monotonicMs,
    )
    expect(clock.isTrusted).toBe(true)
    await vi.waitFor(() => expect(log.clock().clockUnconfirmed).toBe(false), { timeout: 10_000 })
    await start()
    expect(clock.isTrusted).toBe(true)
  })

  it('far in the future count as the time at which the clock was confirmed', async () => {
    await stamp()
    const rightMs = time.wallMs + HOUR_MS
    time.wallMs = Date.UTC(2100, 0)
    await start()
    expect(await stamp()).toBe(Date.UTC(2100, 0))
    time.wallMs = rightMs
    await start()
    expect(clock.judgement.state).toBe('off')
    await expect(logClock.confirm(Date.UTC(2100, 0))).rejects.toThrow('set the wrong one right')
    await logClock.confirm(rightMs)
    expect(clock.isTrusted).toBe(true)
    pass(HOUR_MS)
    expect(await stamp()).toBe(rightMs + HOUR_MS)
    const after = [NOON_MS, rightMs, rightMs + HOUR_MS]
    expect(await stamps()).toEqual(after)
    await start()
    expect(await stamps()).toEqual(after)
    expect(clock.isTrusted).toBe(true)
  })

  it('are renewed while nothing is written, so that a short stop of an idle log is no rest', async () => {
    await stamp()
    pass(LIMIT_MS / 2 + 1)
    const renewed = NOON_MS + LIMIT_MS / 2 + 1
    await vi.waitFor(() => expect(log.clock().lastStampMs).toBe(renewed), { timeout: 10_000 })
    pass(LIMIT_MS / 2)
    await start()
    expect(clock.isTrusted).toBe(true)
  })
})
