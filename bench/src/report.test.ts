import { Latencies } from '@fractal-lba/load'
import { describe, expect, it } from 'vitest'
import { type BenchReport, figuresOf, ratiosOf, renderReport } from './report.js'
import type { Measurement } from './round.js'

function latencies(...values: number[]): Latencies {
  const all = new Latencies()
  for (const ms of values) all.add(ms)
  return all
}

function round(answers: number, elapsedMs: number, ms: number, lone?: number): Measurement {
  return {
    load: {
      elapsedMs,
      answers,
      answersByStatus: new Map([
        [200, answers - 1],
        [409, 1],
      ]),
      latencies: latencies(...Array.from({ length: answers }, () => ms)),
      refusals: new Map(),
      failures: new Map(),
    },
    productCpuMs: answers * 0.1,
    clientCpuMs: answers * 0.02,
    lone: lone === undefined ? undefined : { latencies: latencies(lone, lone, 10 * lone), stolenShare: 0.03 },
  }
}

const product = figuresOf('product', [round(1_000, 1_000, 2, 0.5), round(3_000, 1_000, 4, 0.5)])

describe('figuresOf', () => {
  it('pools the rounds', () => {
    expect(product.requestsPerSecond).toBe(2_000)
    expect(product.requestsPerSecondOfRounds).toEqual([1_000, 3_000])
    expect([product.p50Ms, product.p95Ms, product.p99Ms]).toEqual([4, 4, 4])
    expect(product.cpuUsPerRecord).toBeCloseTo(100)
    expect(product.clientCpuUsPerRecord).toBeCloseTo(20)
    expect(product.answersByStatus).toEqual({ 200: 3_998, 409: 2 })
    expect(product.lone).toEqual({ requests: 6, p50Ms: 0.5, p99Ms: 5, stolenShare: 0.03 })
  })
})

describe('ratiosOf', () => {
  it('compares the product with whatever else was measured', () => {
    const unflushed = figuresOf('no-flush', [round(2_500, 1_000, 3)])
    const compacting = figuresOf('compacting', [round(1_800, 1_000, 3)])
    const ratios = ratiosOf([product, unflushed, compacting]).map(({ of, to, ratio }) => [of, to, ratio])
    expect(ratios).toEqual([
      ['product', 'no-flush', 0.8],
      ['compacting', 'product', 0.9],
    ])
    expect(ratiosOf([product])).toEqual([])
    expect(ratiosOf([unflushed, compacting])).toEqual([])
  })
})

describe('renderReport', () => {
  const unflushed = figuresOf('no-flush', [round(4_000, 1_000, 100)])
  const report: BenchReport = {
    machine: {
      cpu: 'A CPU',
      cores: 2,
      memoryGiB: 16,
      node: '20.20.2',
      kernel: 'Linux 6',
      fileSystem: 'ext4',
      loadBefore: 0.1,
    },
    conditions: { connections: 256, rounds: 2, seconds: 1, warmupSeconds: 3, recordBytes: 713 },
    variants: [product, unflushed],
    ratios: ratiosOf([product, unflushed]),
    log: {
      appends: { appenders: 256, flushed: 45_000, unflushed: 50_000 },
      full: { submissions: 800_000, sizeBytes: 1e9, bytesPerSubmission: 1_250 },
      reading: { records: 1_600_001, opening: 400_000, reading: 150_000 },
      startMs: [2_500, 1_000, 1_200],
    },
  }
  const text = renderReport(report)

  it('says the figures, on what machine, and which goals were missed', () => {
    expect(text).toContain('A CPU, 2 cores, 16 GiB; Node 20.20.2; Linux 6; logs on ext4')
    expect(text).toContain('product / no-flush: 0.50 (goal: at least 0.8; NOT REACHED)')
    expect(text).toContain(
      "a lone request, product: p50 0.50 ms, p99 5.00 ms (6 of them; 3 % of the cores' time stolen by the host) (goal: p50 below 5 ms; reached)",
    )
    expect(text).toMatch(/^product +2000 +1000-3000 +4\.0 +4\.0 +4\.0 +100 +20 +200: 3998, 409: 2$/m)
  })

  it('says what an id weighs where stores are compared', () => {
    const memory = figuresOf('product', [{ ...round(1_000, 1_000, 4), idBytes: 300 }])
    const redis = figuresOf('redis', [
      { ...round(500, 1_000, 8), idBytes: 200 },
      { ...round(500, 1_000, 8), idBytes: 220 },
    ])
    const said = renderReport({ ...report, variants: [memory, redis] })
    expect(said).toMatch(/^product \(memory index.*\): 300 bytes for each id remembered$/m)
    expect(said).toContain("redis: 210 bytes for each id remembered; 0.50 of the memory index's req/s")
    expect(text).not.toContain('bytes for each id')
  })

  it('says what the log does by itself', () => {
    expect(text).toContain(
      '256 appenders in one process: 45000 records/s with flush, 50000 records/s without (0.90)',
    )
    expect(text).toContain('a log of 1.00 GB, 800000 submissions, 1250 bytes for one and its mark')
    expect(text).toContain('reading back: 150000 records/s (goal: at least 200000; NOT REACHED)')
    expect(text).toContain('ready after 2500, 1000, 1200 ms, median 1200 ms (goal: below 2000 ms; reached)')
    expect(renderReport({ ...report, log: undefined })).not.toContain('the log by itself')
  })

  it('is the same as JSON', () => {
    expect(JSON.parse(JSON.stringify(report))).toMatchObject({ variants: [{ requestsPerSecond: 2_000 }, {}] })
  })
})
