import { AppError, createLogger, createRegistry, unavailable } from '@fractal-lba/runtime'
import { describe, expect, it, vi } from 'vitest'
import { RecordFault } from './clients/record-fault.js'
import type { WalClient } from './clients/wal.js'
import { createCounters } from './counters.js'
import { isOwnFault, type ReplayParts, replayOpenEntries } from './replay.js'

describe('isOwnFault', () => {
  it.each<[string, unknown, boolean]>([
    ['a mistake of a service over this record', new RecordFault('m'), true],
    ['a mistake of the gateway', new TypeError('m'), true],
    ['an outage', unavailable('down'), false],
    ['an index that was replaced', new AppError('superseded', 'm'), false],
  ])('%s: %s', (_, error, own) => {
    expect(isOwnFault(error)).toBe(own)
  })
})

describe('a lease that fails', () => {
  it('is an error in the log, once for a row of them, and each is counted', async () => {
    const registry = createRegistry('gateway')
    const logger = createLogger('test', 'fatal')
    const error = vi.spyOn(logger, 'error')
    const stopping = new AbortController()
    let asked = 0
    const leaseOpen = async () => {
      asked += 1
      if (asked === 6) stopping.abort()
      if (asked === 4) return { entries: [], openCount: 0 }
      throw unavailable('the answer is too large')
    }
    const parts = {
      ...{ logger, counters: createCounters(registry), monitor: { complete: true } },
      config: { rate: 1_000, pollMs: 1, leaseMs: 1_000 },
    } as unknown as ReplayParts
    await replayOpenEntries({ address: 'a:1', leaseOpen } as unknown as WalClient, parts, stopping.signal)
    expect(error).toHaveBeenCalledTimes(2)
    expect(await registry.metrics()).toContain('flk_replay_lease_errors_total 5')
  })
})
