import { createLogger } from '@fractal-lba/runtime'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { RecordLog } from './record-log.js'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function logAt(level: 'info' | 'warn', linesPerSecond: number) {
  const lines: Record<string, unknown>[] = []
  const logger = createLogger('gateway', level, (line) => lines.push(JSON.parse(line)))
  const log = new RecordLog(logger, linesPerSecond)
  return {
    log,
    lines,
    refuse: (reason: string) => log.write('info', reason, 'refused', () => ({ status: 401 })),
  }
}

describe('lines about records', () => {
  it('are written as they come while they are few', () => {
    const { lines, refuse } = logAt('info', 1)
    refuse('unauthenticated')
    expect(lines).toMatchObject([{ level: 'info', msg: 'refused', reason: 'unauthenticated', status: 401 }])
  })

  it('are left out and counted beyond the rate, each reason by itself, and begin anew', () => {
    const { lines, refuse } = logAt('info', 1)
    for (let count = 0; count < 5_000; count += 1) refuse('unauthenticated')
    refuse('malformed')
    expect(lines).toHaveLength(11)
    vi.advanceTimersByTime(10_000)
    expect(lines.slice(11)).toMatchObject([{ level: 'warn', reason: 'unauthenticated', leftOut: 4_990 }])
    refuse('unauthenticated')
    expect(lines).toHaveLength(13)
    vi.advanceTimersByTime(60_000)
    expect(lines).toHaveLength(13)
  })

  it('that were left out are counted at the end too', () => {
    const { log, lines, refuse } = logAt('info', 0)
    refuse('malformed')
    log.close()
    expect(lines).toMatchObject([{ reason: 'malformed', leftOut: 1 }])
  })

  it('cost nothing below the level', () => {
    const { log, lines, refuse } = logAt('warn', 1)
    for (let count = 0; count < 50; count += 1) refuse('malformed')
    log.close()
    expect(lines).toEqual([])
  })
})
