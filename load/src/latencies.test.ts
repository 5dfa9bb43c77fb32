import { describe, expect, it } from 'vitest'
import { Latencies } from './latencies.js'

describe('Latencies', () => {
  it('gives the smallest value that the share does not exceed, in whatever order they came', () => {
    const latencies = new Latencies()
    for (const ms of [5, 1, 4, 2, 3, 10, 9, 8, 7, 6]) latencies.add(ms)
    expect(latencies.quantilesMs([0, 0.1, 0.11, 0.5, 0.99, 1])).toEqual([1, 1, 2, 5, 10, 10])
  })

  it('keeps every value, however many', () => {
    const latencies = new Latencies()
    for (let ms = 50_000; ms >= 1; ms -= 1) latencies.add(ms)
    const all = new Latencies()
    all.addAll(latencies)
    all.addAll(latencies)
    expect(latencies.count).toBe(50_000)
    expect(all.count).toBe(100_000)
    expect(all.quantilesMs([0.5, 0.99, 1])).toEqual([25_000, 49_500, 50_000])
  })

  it('says NaN of nothing', () => {
    expect(new Latencies().quantilesMs([0.5])).toEqual([Number.NaN])
  })
})
