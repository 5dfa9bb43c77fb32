import { Latencies } from '@fractal-lba/load'
import { describe, expect, it } from 'vitest'
import { compareLoad } from './comparison.js'
import { renderComparison } from './comparison-report.js'
import { type Window, windowBetween } from './window.js'

const window = (scale: number): Window => ({
  perSecond: 1_000 * scale,
  p50Ms: 4 / scale,
  p99Ms: 8 / scale,
  cpuUsPerRecord: 400 / scale,
  generatorCpuUsPerRecord: 20,
  stolenShare: 0.02,
})

describe('compareLoad', () => {
  it('takes the median of the ratios of windows that belong together', () => {
    const reference = [1, 2, 4].map(window)
    const measured = [2, 3, 8].map(window)
    const { figures } = compareLoad('crowd', reference, measured)
    const rate = figures.find(({ figure }) => figure === 'req/s')
    expect(rate).toMatchObject({ reference: 2_000, measured: 3_000, ratio: { q1: 1.75, median: 2, q3: 2 } })
    expect(figures.find(({ figure }) => figure === 'CPU us/record')?.ratio.median).toBe(0.5)
    expect(figures.find(({ figure }) => figure === 'CPU / generator')?.measured).toBeCloseTo(400 / 3 / 20)
  })
})

describe('windowBetween', () => {
  it('counts only what happened between the two readings', () => {
    const latencies = new Latencies()
    for (const ms of [50, 1, 2, 3, 90]) latencies.add(ms)
    const at = { monotonicMs: 100, answers: 1, cpuMs: 10, generatorCpuMs: 5, stolenMs: 0 }
    const end = { monotonicMs: 1_100, answers: 4, cpuMs: 13, generatorCpuMs: 5.3, stolenMs: 40 }
    const measured = windowBetween(at, end, latencies, 2)
    expect(measured).toMatchObject({ perSecond: 3, p50Ms: 2, p99Ms: 3, stolenShare: 0.02 })
    expect(measured.cpuUsPerRecord).toBeCloseTo(1_000)
    expect(measured.generatorCpuUsPerRecord).toBeCloseTo(100)
  })

  it('has no figures of nothing', () => {
    const at = { monotonicMs: 0, answers: 0, cpuMs: 0, generatorCpuMs: 0, stolenMs: 0 }
    expect(() => windowBetween(at, at, new Latencies(), 2)).toThrow('not one answer')
  })
})

describe('renderComparison', () => {
  const machine = {
    cpu: 'A CPU',
    cores: 2,
    memoryGiB: 16,
    node: '20.20.2',
    kernel: 'Linux 6',
    fileSystem: 'ext4',
    loadBefore: 0.1,
  }
  const conditions = { connections: 256, perSecond: 1_000, windows: 2, windowMs: 1_500, warmupSeconds: 15 }
  const loads = [compareLoad('lone', [window(1), window(1)], [window(2), window(2)])]
  const report = {
    ...{ machine, conditions, reference: 'old', measured: 'new', loads },
    ...{ floor: undefined, signature: [], rateGoal: undefined },
  }

  it('shows each figure of both with the ratio and its quartiles', () => {
    const text = renderComparison(report)
    expect(text).toContain('new / old')
    expect(text).toMatch(/^ {2}p50 ms +4\.00 +2\.00 +0\.500 +0\.500 to 0\.500$/m)
    expect(text).toContain("2.0 % and 2.0 % of the cores' time stolen by the host")
  })

  it('says whether what is promised of TLS and of signatures is kept', () => {
    const crowd = [compareLoad('crowd', [window(1), window(1)], [window(1), window(1)])]
    expect(renderComparison({ ...report, loads: crowd, rateGoal: 0.9 })).toContain(
      'goal: at least 0.9; reached',
    )
    const cost = { load: 'crowd', verifyUs: 112, ratio: { q1: 1.1, median: 1.3, q3: 1.4 } } as const
    expect(renderComparison({ ...report, signature: [cost] })).toContain('goal: at most 1.2; NOT REACHED')
  })

  it('shows how a lone request stands to the least that it can take', () => {
    const floor = { emptyRequestMs: 0.3, flushMs: 0.35, ratio: { q1: 1.8, median: 2.5, q3: 2.7 } }
    const text = renderComparison({ ...report, floor })
    expect(text).toContain('an empty request 0.300 ms + 2 x a flush 0.350 ms')
    expect(text).toContain('2.50 (1.80 to 2.70; goal: at most 2; NOT REACHED)')
  })
})
