import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type DropReason, SpanQueue } from './span-queue.js'

const LIMITS = { spansMax: 5, batchSpansMax: 2, delayMs: 1_000, timeoutMs: 300 }

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

function queueThat(send: (batch: readonly number[]) => Promise<void>) {
  const sent: number[] = []
  const dropped: [number, DropReason][] = []
  const queue = new SpanQueue<number>({
    limits: LIMITS,
    send,
    onSent: (count) => sent.push(count),
    onDropped: (count, reason) => dropped.push([count, reason]),
  })
  return { queue, sent, dropped }
}

describe('SpanQueue', () => {
  it('sends a batch when it is full, and what is left after the delay', async () => {
    const batches: number[][] = []
    const { queue, sent } = queueThat(async (batch) => void batches.push([...batch]))
    for (const span of [1, 2, 3]) queue.add(span)
    await vi.advanceTimersByTimeAsync(1)
    expect(batches).toEqual([[1, 2]])
    await vi.advanceTimersByTimeAsync(LIMITS.delayMs)
    expect(batches).toEqual([[1, 2], [3]])
    expect(sent).toEqual([2, 1])
  })

  it('holds no more than it may while the collector hangs, and counts what it drops', async () => {
    const { queue, sent, dropped } = queueThat(() => new Promise(() => undefined))
    for (let span = 0; span < 10; span += 1) queue.add(span)
    // Two are under way, five wait.
    expect(dropped).toEqual(Array.from({ length: 3 }, () => [1, 'queue_full']))
    await vi.advanceTimersByTimeAsync(LIMITS.timeoutMs)
    expect(dropped.at(-1)).toEqual([2, 'export_failed'])
    expect(sent).toEqual([])
  })

  it('drops and counts a batch that is refused, and goes on with the next', async () => {
    let refuses = true
    const { queue, sent, dropped } = queueThat(async () => {
      if (refuses) throw new Error('503')
    })
    queue.add(1)
    queue.add(2)
    await vi.advanceTimersByTimeAsync(1)
    refuses = false
    queue.add(3)
    queue.add(4)
    await vi.advanceTimersByTimeAsync(1)
    expect([dropped, sent]).toEqual([[[2, 'export_failed']], [2]])
  })

  it('sends what is left when it is closed, for no longer than it may', async () => {
    const { queue, sent, dropped } = queueThat(async (batch) => {
      if (batch.includes(5)) await new Promise(() => undefined)
    })
    for (const span of [1, 2, 3, 4, 5]) queue.add(span)
    const closed = queue.close(100)
    await vi.advanceTimersByTimeAsync(100)
    await closed
    expect(sent).toEqual([2, 2])
    queue.add(6)
    expect(dropped.at(-1)).toEqual([1, 'queue_full'])
  })
})
