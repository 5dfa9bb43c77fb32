import { describe, expect, it } from 'vitest'
import { simulateDamage } from './damage-simulation.js'
import { simulate } from './simulation.js'

const SEEDS = Array.from({ length: 300 }, (_, seed) => seed)

describe('a log on a disk that tears, drops and reorders what was not flushed', () => {
  it('loses nothing acknowledged, shows nothing unsent, and keeps what it showed', async () => {
    const total = {
      openings: 0,
      acknowledged: 0,
      tornTails: 0,
      segments: 0,
      failures: 0,
      refusals: 0,
      dropped: 0,
      fromCheckpoints: 0,
    }
    for (const seed of SEEDS) {
      const report = await simulate(seed)
      for (const key of Object.keys(total) as (keyof typeof total)[]) total[key] += report[key]
    }
    // the faults really happened
    expect(total.openings).toBeGreaterThan(900)
    expect(total.acknowledged).toBeGreaterThan(10_000)
    const { tornTails, segments, failures, refusals, dropped, fromCheckpoints } = total
    for (const count of [tornTails, segments, failures, refusals, dropped, fromCheckpoints]) {
      expect(count).toBeGreaterThan(10)
    }
  }, 120_000)

  it('runs the same history again from the same seed', async () => {
    expect(await simulate(7)).toEqual(await simulate(7))
  })
})

describe('a log whose files are damaged', () => {
  it('opens, never shows a wrong record, and loses nothing of the segments that were not touched', async () => {
    let quarantined = 0
    for (const seed of SEEDS) quarantined += (await simulateDamage(seed)).quarantined
    expect(quarantined).toBeGreaterThan(100)
  }, 120_000)
})
