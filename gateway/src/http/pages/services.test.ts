import { wal } from '@fractal-lba/proto'
import { describe, expect, it } from 'vitest'
import { bytesText, partsOf } from './services.js'

const viewOf = (state: Partial<wal.GetStateResponse>, dependency: 'up' | 'full' = 'up') => ({
  dependencies: { wal: { state: dependency } },
  logs: [{ name: 'wal', state: { ...wal.GetStateResponse.decode(new Uint8Array()), ...state } }],
  index: undefined,
})

describe('a log on the page', () => {
  it('shows what is open, how long it is and how much room there is', () => {
    const [part] = partsOf(
      viewOf({
        openCount: 7,
        oldestOpenMs: 61_000,
        logBytes: 2_048,
        diskFreeBytes: 2 ** 30,
        diskSizeBytes: 2 ** 34,
      }),
    )
    expect(part?.figures).toEqual(['7 open, the oldest for 61 s', '2.0 KiB long', '1.0 GiB of 16 GiB free'])
    expect(part?.runbook).toBeUndefined()
  })

  it.each([
    [{ quarantinedSegments: ['a'], deadLetterCount: 1 }, 'up', 'wal-quarantined'],
    [{ deadLetterCount: 1 }, 'full', 'wal-disk-pressure'],
    [{ deadLetterCount: 1 }, 'up', 'dead-letters'],
    [{ openCount: 1, oldestOpenMs: 301_000 }, 'up', 'wal-pending'],
    [{ openCount: 1, oldestOpenMs: 299_000 }, 'up', undefined],
  ] as const)('names the runbook of what is worst: %j, %s', (state, dependency, runbook) => {
    const [part] = partsOf(
      viewOf(
        {
          ...state,
          quarantinedSegments: [...('quarantinedSegments' in state ? state.quarantinedSegments : [])],
        },
        dependency,
      ),
    )
    expect(part?.runbook).toBe(runbook)
  })

  it.each([
    [0, '0 B'],
    [1_023, '1023 B'],
    [1_536, '1.5 KiB'],
    [64 * 2 ** 20, '64 MiB'],
    [2 ** 50, '1024 TiB'],
  ])('shows %d bytes as %s', (bytes, text) => {
    expect(bytesText(bytes)).toBe(text)
  })
})
