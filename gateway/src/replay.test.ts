import { record } from '@fractal-lba/proto'
import { AppError, createLogger, createRegistry, LostInFlight, unavailable } from '@fractal-lba/runtime'
import { describe, expect, it, vi } from 'vitest'
import { RecordFault } from './clients/record-fault.js'
import type { WalClient } from './clients/wal.js'
import { createCounters } from './counters.js'
import type { Ingest } from './ingest.js'
import { isOwnFault, type ReplayParts, replayOpenEntries } from './replay.js'

const lost = (wasAlone: boolean): LostInFlight => new LostInFlight('verifier', { wasAlone, cause: undefined })

describe('isOwnFault', () => {
  it.each<[string, unknown, boolean]>([
    ['a mistake of a service over this record', new RecordFault('m'), true],
    ['a mistake of the gateway', new TypeError('m'), true],
    ['the end of a service that had nothing else to do', lost(true), true],
    ['the end of a service that had other work too', lost(false), false],
    ['an outage', unavailable('down'), false],
    ['an index that was replaced', new AppError('superseded', 'm'), false],
  ])('%s: %s', (_, error, own) => {
    expect(isOwnFault(error)).toBe(own)
  })
})

describe('a submission that ends a service at every try', () => {
  it('is found among those that were lost with it, and the others are finished', async () => {
    const registry = createRegistry('gateway')
    const logger = createLogger('test', 'fatal')
    const stopping = new AbortController()
    const open = new Map(Array.from({ length: 10 }, (_, index) => [index + 1, 0]))
    const deadly = 4
    const sizes: number[] = []
    const setAside: number[] = []
    const wal: Partial<WalClient> = {
      async leaseOpen({ entriesMax }) {
        const entries = [...open.keys()].slice(0, entriesMax).map((sequence) => ({
          position: { logId: 'log', sequence },
          body: Buffer.of(sequence),
          encoding: record.Encoding.ENCODING_JSON,
          appendedAtMs: 0,
          context: undefined,
        }))
        if (entries.length > 0) sizes.push(entries.length)
        else stopping.abort()
        return { entries, openCount: open.size }
      },
      async reportReplayFailure({ sequence }, _reason, isOutage) {
        const tries = (open.get(sequence) ?? 0) + (isOutage ? 0 : 1)
        // It rests for a while: others have their turn before it.
        open.delete(sequence)
        if (tries < 3) open.set(sequence, tries)
        else setAside.push(sequence)
        return { tries, deadLetter: tries === 3 }
      },
    }
    const replay: Ingest['replay'] = async (
      _submission,
      { position: { sequence } },
      { alone = false } = {},
    ) => {
      if (sequence === deadly || (!alone && open.has(deadly))) throw lost(alone)
      open.delete(sequence)
      return new AppError('malformed', 'any answer')
    }
    const parts = {
      ...{ logger, counters: createCounters(registry), monitor: { complete: true }, ingest: { replay } },
      report: { finishedByReplay: () => undefined, staysOpen: () => undefined },
      config: { rate: 1e6, pollMs: 1, leaseMs: 1_000 },
    } as unknown as ReplayParts
    await replayOpenEntries(wal as WalClient, parts, stopping.signal)
    expect(setAside).toEqual([deadly])
    expect(open.size).toBe(0)
    expect(await registry.metrics()).toContain('flk_replay_lease_errors_total 0')
    expect([sizes[0], Math.max(...sizes.slice(1))]).toEqual([10, 1])
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
