import { expect, it } from 'vitest'
import type { Sample } from '../run/sampler.js'
import { growthOf, soakGates } from './soak-gates.js'

function hour(memoryAt: (second: number) => number, p95At: (second: number) => number) {
  const seconds = Array.from({ length: 3_600 }, (_, index) => index + 1)
  const samples = seconds.map(
    (second): Sample => ({
      ...{ second, perSecond: 100, p50Ms: 2, p95Ms: 8, p99Ms: 12, answers: {}, queues: {} },
      ...{ cpu: { wal: 0.1 }, memoryMiB: { wal: memoryAt(second) }, descriptors: { wal: 30 } },
    }),
  )
  return { samples, seen: seconds.map((second) => ({ second, p50Ms: 1, p95Ms: p95At(second), p99Ms: 9 })) }
}
const broken = ({ samples, seen }: ReturnType<typeof hour>) =>
  soakGates(samples, seen)
    .filter(({ holds }) => !holds)
    .map(({ name }) => name)

it('holds where memory saws and does not grow, whatever the first quarter did', () => {
  const saw = hour(
    (second) => (second < 900 ? second / 10 : 100 + (second % 60) / 10),
    () => 8,
  )
  expect(broken(saw)).toEqual([])
  expect(soakGates(saw.samples, saw.seen).map(({ name }) => name)).toEqual([
    ...['memory of wal at rest', 'descriptors of wal at rest', 'p95 at the end as at the beginning'],
  ])
})

it('finds a leak of 3 % in 45 minutes, and a p95 that creeps', () => {
  expect(
    broken(
      hour(
        (second) => 100 + (3 * second) / 2_700,
        () => 8,
      ),
    ),
  ).toEqual(['memory of wal at rest'])
  expect(
    broken(
      hour(
        () => 100,
        (second) => 8 + second / 900,
      ),
    ),
  ).toEqual(['p95 at the end as at the beginning'])
})

it('says nothing of a short run', () => {
  const { samples, seen } = hour(
    (second) => second,
    () => 8,
  )
  expect(soakGates(samples.slice(0, 300), seen)).toEqual([])
})

it('takes the growth from the line of least squares', () => {
  expect(
    growthOf([
      [0, 90],
      [1, 100],
      [2, 110],
    ]),
  ).toBeCloseTo(0.2)
  expect(
    growthOf([
      [0, 100],
      [1, 120],
      [2, 100],
    ]),
  ).toBeCloseTo(0)
})
