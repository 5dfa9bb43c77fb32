import { expect, it } from 'vitest'
import { inOrder } from './in-order.js'

/** Work that ends when the test says so. */
class Work {
  readonly begun: number[] = []
  readonly #end = new Map<number, (result: string) => void>()

  readonly begin = (item: number): Promise<string> => {
    this.begun.push(item)
    return new Promise((resolve) => this.#end.set(item, resolve))
  }

  end(...items: readonly number[]): void {
    for (const item of items) this.#end.get(item)?.(`r${item}`)
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

it('results come in the order of their items, as many at once as are there', async () => {
  const work = new Work()
  const results = inOrder([0, 1, 2, 3, 4], 3, work.begin)
  const first = results.next()
  work.end(2, 1)
  await turn()
  expect(work.begun).toEqual([0, 1, 2])
  work.end(0)
  expect((await first).value).toEqual(['r0', 'r1', 'r2'])
  expect(work.begun).toEqual([0, 1, 2])
  const second = results.next()
  await turn()
  expect(work.begun).toEqual([0, 1, 2, 3, 4])
  work.end(3)
  expect((await second).value).toEqual(['r3'])
  const third = results.next()
  work.end(4)
  expect((await third).value).toEqual(['r4'])
  expect((await results.next()).done).toBe(true)
})

it('who stops gets control back when what was begun has ended, and nothing more is begun', async () => {
  const work = new Work()
  const items = Array.from({ length: 100 }, (_, index) => index)
  let hasEnded = false
  const consumer = (async () => {
    for await (const results of inOrder(items, 4, work.begin)) {
      expect(results).toEqual(['r0'])
      break
    }
    hasEnded = true
  })()
  work.end(0)
  await turn()
  expect(hasEnded).toBe(false)
  work.end(1, 2)
  await turn()
  expect(hasEnded).toBe(false)
  work.end(3)
  await consumer
  expect(work.begun).toEqual([0, 1, 2, 3])
})

it('a thousand items that are there at once come in one go each window', async () => {
  const items = Array.from({ length: 1_000 }, (_, index) => index)
  const sizes: number[] = []
  for await (const results of inOrder(items, 128, async (item) => String(item))) sizes.push(results.length)
  expect(sizes.reduce((sum, size) => sum + size)).toBe(1_000)
  expect(sizes.length).toBeLessThan(20)
})
