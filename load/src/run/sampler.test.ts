import { expect, it } from 'vitest'
import { Exposition } from './exposition.js'
import { bucketsOf, quantileMs } from './histogram.js'
import { type Reading, sampleBetween } from './sampler.js'

const gateway = (ok: number, refused: number, cpu: number) =>
  Exposition.parse(`# HELP flk_submissions_total Submissions
flk_submissions_total{front="http",code="200"} ${ok}
flk_submissions_total{front="grpc",code="200"} 0
flk_submissions_total{front="http",code="503"} ${refused}
flk_submissions_total_of_others 99
flk_submission_duration_seconds_bucket{front="http",le="0.01"} ${ok / 2}
flk_submission_duration_seconds_bucket{front="http",le="0.02"} ${ok}
flk_submission_duration_seconds_bucket{front="http",le="+Inf"} ${ok}
rpc_client_queue_items{rpc_service="s",rpc_method="Append"} 7
process_cpu_seconds_total ${cpu}
process_resident_memory_bytes ${64 * 2 ** 20}
process_open_fds 12
`)

const reading = (
  atMs: number,
  metrics: ReadonlyMap<string, Exposition>,
  generatorCpuMs?: number,
): Reading => ({
  ...{ atMs, metrics, generatorCpuMs, isOneProcess: false },
})

it('tells what a second was like', () => {
  const before = reading(1_000, new Map([['gateway', gateway(100, 0, 5)]]), 0)
  const after = reading(3_000, new Map([['gateway', gateway(300, 20, 6)]]), 500)
  const sample = sampleBetween(before, after, 0)
  expect(sample).toEqual({
    ...{ second: 3, perSecond: 110, p50Ms: 10, answers: { 200: 100, 503: 10 } },
    ...{ p95Ms: expect.closeTo(19), p99Ms: expect.closeTo(19.8) },
    ...{ cpu: { gateway: 0.5, generator: 0.25 }, memoryMiB: { gateway: 64 }, descriptors: { gateway: 12 } },
    queues: { Append: 7 },
  })
})

it('counts one process once', () => {
  const services = (cpu: number) => ({
    ...reading(
      cpu * 1_000,
      new Map([
        ['gateway', gateway(1, 0, cpu)],
        ['wal', gateway(1, 0, cpu)],
      ]),
    ),
    isOneProcess: true,
  })
  const sample = sampleBetween(services(1), services(2), 0)
  expect([sample.cpu, sample.memoryMiB]).toEqual([{ 'one process': 1 }, { 'one process': 64 }])
})

it('has gaps where a process did not answer, and where nothing was answered', () => {
  const both = new Map([['gateway', gateway(100, 0, 5)]])
  const silent = sampleBetween(reading(0, both), reading(1_000, new Map()), 0)
  expect(silent).toMatchObject({ perSecond: 0, p50Ms: null, cpu: {}, memoryMiB: {} })
  expect(sampleBetween(reading(0, both), reading(1_000, both), 0).p95Ms).toBeNull()
})

it('reads quantiles as PromQL does', () => {
  const buckets = bucketsOf(
    new Map([
      ['0.1', 50],
      ['0.2', 90],
      ['+Inf', 100],
    ]),
  )
  expect(quantileMs(buckets, 0.25)).toBeCloseTo(50)
  expect(quantileMs(buckets, 0.7)).toBeCloseTo(150)
  expect(quantileMs(buckets, 0.99)).toBe(200)
  expect(quantileMs(bucketsOf(new Map()), 0.5)).toBeUndefined()
})
