import { expect, it } from 'vitest'
import { generatedOf } from './k6.js'
import { readDashboard } from './k6-dashboard.js'

it('reads what k6 exports', () => {
  const trend = { med: 4, 'p(95)': 20, 'p(99)': 40, max: 90 }
  const generated = generatedOf({
    metrics: {
      'http_req_duration{name:submit}': { ...trend, thresholds: { 'p(95)<200': false, 'p(99)<30': true } },
      iterations: { count: 10, rate: 5 },
      ...{ sent_new: { count: 9 }, sent_malformed: { count: 1 } },
      ...{ answers_200: { count: 8 }, answers_400: { count: 1 }, answers_none: { count: 1 } },
      errors: { value: 0.1, thresholds: { 'rate<0.01': true } },
    },
  })
  expect(generated.sent).toEqual({
    ...{ kinds: { new: 9, malformed: 1 }, answers: { 200: 8, 400: 1 }, unanswered: 1 },
  })
  expect(generated.elapsedMs).toBe(2_000)
  expect(generated.latency).toEqual({ p50Ms: 4, p95Ms: 20, p99Ms: 40, maxMs: 90 })
  expect(generated.gates.map(({ limit, holds }) => [limit, holds])).toEqual([
    ...[
      ['p(95)<200', true],
      ['p(99)<30', false],
    ],
    ['rate<0.01', false],
  ])
})

it('reads the seconds of its dashboard, in which metrics appear as they are first seen', () => {
  const lines = [
    {
      event: 'param',
      data: { aggregates: { trend: ['avg', 'max', 'med', 'min', 'p(90)', 'p(95)', 'p(99)'] } },
    },
    { event: 'metric', data: { time: {} } },
    { event: 'start', data: [[10_000]] },
    { event: 'snapshot', data: [[10_500]] },
    { event: 'metric', data: { http_req_duration: {} } },
    { event: 'snapshot', data: [[1, 9, 2, 0, 7, 8, 9], [11_000]] },
    { event: 'metric', data: { checks: {} } },
    { event: 'snapshot', data: [[1], [1, 9, 3, 0, 7, 8, 9], [12_000]] },
  ]
  expect(readDashboard(lines.map((line) => `${JSON.stringify(line)}\n`).join(''))).toEqual([
    { second: 1, p50Ms: 2, p95Ms: 8, p99Ms: 9 },
    { second: 2, p50Ms: 3, p95Ms: 8, p99Ms: 9 },
  ])
})
