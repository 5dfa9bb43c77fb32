import { describe, expect, it } from 'vitest'
import { runSeeds } from './seed-pool.mjs'

const module = new URL('./fixtures/simulations.mjs', import.meta.url).href
const all = { module, kinds: ['crashes', 'damage'], workers: 2, seedLimitMs: 60_000 }

describe('runSeeds', () => {
  it('runs each seed once and adds up what happened', async () => {
    /** @type {number[]} */
    const progress = []
    const result = await runSeeds({
      ...all,
      from: 100,
      seeds: 130,
      onProgress: (seeds) => progress.push(seeds),
    })
    expect(result).toEqual({
      seeds: 130,
      failures: [],
      totals: { crashes: { openings: 260 }, damage: { shown: 130 } },
    })
    expect(progress.at(-1)).toBe(130)
  })

  it('names the seed that broke a promise, ended its thread, or never ended, and goes on', async () => {
    const { seeds, failures, totals } = await runSeeds({ ...all, from: 0, seeds: 100, seedLimitMs: 5_000 })
    expect(seeds).toBe(100)
    expect(failures).toEqual([
      { seed: 13, kind: 'crashes', message: 'seed 13: record 4 is lost' },
      { seed: 30, kind: 'crashes', message: 'thrown beside' },
      { seed: 40, kind: 'crashes', message: 'it has not ended in 5000 ms' },
    ])
    // what the broken threads had done before is not counted, the rest is
    expect(totals.damage?.shown).toBeGreaterThan(50)
  })

  it('begins nothing after its time', async () => {
    const { seeds } = await runSeeds({ ...all, from: 100, seeds: 1_000_000, forMs: 50, rangeSeeds: 10 })
    expect(seeds).toBeLessThan(1_000_000)
    expect(seeds % 10).toBe(0)
  })

  it('does not go on for ever when it cannot run at all', async () => {
    const nothing = new URL('./fixtures/nothing.mjs', import.meta.url).href
    await expect(runSeeds({ ...all, module: nothing, from: 0, seeds: 10 })).rejects.toThrow('cannot run')
  })
})
