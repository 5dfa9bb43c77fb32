import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createLogger } from '../logger.js'
import { createRegistry } from '../metrics.js'
import type { ReadyReport } from '../ops-server.js'
import { reportClock, withClock } from './clock-report.js'
import { ProcessClock } from './process-clock.js'

const HOUR_MS = 3_600_000
const READY: ReadyReport = { status: 'ready', dependencies: {} }

function reported() {
  vi.useFakeTimers()
  onTestFinished(() => {
    vi.useRealTimers()
  })
  const time = { wallMs: 1_800_000_000_000 }
  const clock = new ProcessClock({ limitMs: 300_000, wall: () => time.wallMs, monotonic: () => 0 })
  const logger = createLogger('wal', 'fatal')
  const warned = vi.spyOn(logger, 'warn')
  const registry = createRegistry('wal')
  const stopping = new AbortController()
  reportClock(clock, { registry, logger, stopping: stopping.signal })
  const metric = async (name: string) => (await registry.getSingleMetric(name)?.get())?.values[0]?.value
  return { clock, time, warned, metric, stopping }
}

describe("the report of a process's clock", () => {
  it('logs a jump once, and so the way back, until the process stops', () => {
    const { clock, time, warned, stopping } = reported()
    vi.advanceTimersByTime(3_000)
    time.wallMs += 60_000
    vi.advanceTimersByTime(3_000)
    expect(warned).not.toHaveBeenCalled()
    time.wallMs += HOUR_MS
    vi.advanceTimersByTime(3_000)
    expect(warned).toHaveBeenCalledOnce()
    expect(warned.mock.calls[0]?.[0]).toContain('nothing expires')
    time.wallMs -= HOUR_MS
    vi.advanceTimersByTime(3_000)
    expect(clock.isTrusted).toBe(true)
    stopping.abort()
    time.wallMs += HOUR_MS
    vi.advanceTimersByTime(3_000)
    expect(warned).toHaveBeenCalledOnce()
  })

  it('shows in metrics how far it is off', async () => {
    const { time, metric } = reported()
    expect([await metric('clock_offset_seconds'), await metric('clock_trusted')]).toEqual([0, 1])
    time.wallMs += HOUR_MS
    expect([await metric('clock_offset_seconds'), await metric('clock_trusted')]).toEqual([3_600, 0])
  })

  it('is a detail of /ready, beside what else is said there, and changes no status', () => {
    const { clock, time } = reported()
    expect(withClock(READY, clock)).toBe(READY)
    time.wallMs -= HOUR_MS
    clock.judge()
    expect(withClock(READY, clock)).toMatchObject({
      status: 'ready',
      detail: expect.stringMatching(/^nothing expires: the wall clock/),
    })
    const degraded: ReadyReport = { status: 'degraded', detail: 'a segment is damaged', dependencies: {} }
    expect(withClock(degraded, clock)).toMatchObject({
      status: 'degraded',
      detail: expect.stringMatching(/^a segment is damaged; nothing expires/),
    })
  })
})
