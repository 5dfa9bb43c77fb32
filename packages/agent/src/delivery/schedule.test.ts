import { Chance } from '@fractal-lba/wal/testing'
import { describe, expect, it } from 'vitest'
import { Heap } from './heap.js'
import { Schedule } from './schedule.js'

describe('Heap', () => {
  it('gives what was put in, in order', () => {
    const chance = new Chance(7)
    const heap = new Heap<number>((a, b) => a < b)
    const numbers = Array.from({ length: 2_000 }, () => chance.below(500))
    const taken: number[] = []
    for (const [index, number] of numbers.entries()) {
      heap.push(number)
      // emptied now and then, so that both ways are met at every size
      if (index % 97 === 0) while (heap.size > 0) taken.push(heap.pop() ?? -1)
    }
    const rest: number[] = []
    while (heap.size > 0) rest.push(heap.pop() ?? -1)
    expect(rest).toEqual([...rest].sort((a, b) => a - b))
    expect([...taken, ...rest].sort()).toEqual([...numbers].sort())
    expect(heap.pop()).toBeUndefined()
  })
})

describe('Schedule', () => {
  const take = (schedule: Schedule, nowMs: number): number | undefined => schedule.take(nowMs)?.seq

  it('gives what is due in order of outbox_seq', () => {
    const schedule = new Schedule()
    for (const seq of [3, 1, 2]) schedule.add({ seq, attempts: 0, dueMs: 0 })
    expect([take(schedule, 0), take(schedule, 0), take(schedule, 0), take(schedule, 0)]).toEqual([
      1,
      2,
      3,
      undefined,
    ])
  })

  it('lets those behind go first while one must wait, and takes it up in its place', () => {
    const schedule = new Schedule()
    schedule.add({ seq: 1, attempts: 3, dueMs: 50 })
    schedule.add({ seq: 2, attempts: 0, dueMs: 0 })
    schedule.add({ seq: 3, attempts: 0, dueMs: 0 })
    expect(take(schedule, 10)).toBe(2)
    expect(schedule.nextMs(10)).toBe(10)
    expect(take(schedule, 50)).toBe(1)
    expect(take(schedule, 50)).toBe(3)
    expect(schedule.nextMs(50)).toBeUndefined()
  })

  it('tells when the next one is due', () => {
    const schedule = new Schedule()
    schedule.add({ seq: 1, attempts: 1, dueMs: 80 })
    schedule.add({ seq: 2, attempts: 1, dueMs: 60 })
    expect(schedule.nextMs(0)).toBe(60)
    expect(schedule.take(59)).toBeUndefined()
    expect(schedule.size).toBe(2)
  })
})
