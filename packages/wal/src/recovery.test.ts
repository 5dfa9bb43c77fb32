import { describe, expect, it } from 'vitest'
import {
  benchWith,
  EXHAUSTIVE_MS,
  FIRST,
  FIVE,
  flip,
  openedTwice,
  SEGMENT_BYTES,
} from './testing/damage-bench.js'
import { readTexts, textRecord } from './testing/temporary-log.js'

describe('a torn tail', () => {
  it.each([
    ['cut off', (content: Buffer, at: number) => content.subarray(0, at)],
    ['zero from there on', (content: Buffer, at: number) => content.fill(0, at)],
  ])(
    'at any byte of the last three records (%s) leaves the records before it',
    async (_name, tear) => {
      const whole = await benchWith(FIVE.map((text) => [text]))
      const start = whole.place(3).offset
      const end = whole.place(5).offset + whole.place(5).frameBytes
      for (let at = start; at <= end; at++) {
        const bench = whole.copy()
        bench.edit(FIRST, (content) => tear(content, at))
        const { texts, events } = await openedTwice(bench)
        const intact = FIVE.filter((_, index) => {
          const { offset, frameBytes } = whole.place(index + 1)
          return offset + frameBytes <= at
        })
        expect(texts, `torn at ${at}`).toEqual(intact)
        const lastIntact = whole.place(intact.length)
        const rest = tear(whole.content(FIRST), at).subarray(lastIntact.offset + lastIntact.frameBytes)
        const clean = rest.every((byte) => byte === 0)
        expect(events.map(({ type }) => type)).toEqual(clean ? [] : ['torn_tail'])
      }
    },
    EXHAUSTIVE_MS,
  )

  it(
    'of any flipped bit in the last record is that record',
    async () => {
      const whole = await benchWith(FIVE.map((text) => [text]))
      const { offset, frameBytes } = whole.place(5)
      for (let bit = 0; bit < frameBytes * 8; bit++) {
        const bench = whole.copy()
        bench.edit(FIRST, (content) => flip(content, offset, bit))
        const { texts, events } = await openedTwice(bench)
        expect(texts, `bit ${bit}`).toEqual(FIVE.slice(0, 4))
        expect(events).toEqual([
          { type: 'torn_tail', segment: FIRST, offset, sizeBytes: frameBytes, copy: `${FIRST}.torn` },
        ])
      }
    },
    EXHAUSTIVE_MS,
  )

  it('is copied aside, never over an earlier copy, and overwritten with zeros', async () => {
    const bench = await benchWith(FIVE.map((text) => [text]))
    const { offset, frameBytes } = bench.place(5)
    bench.edit(FIRST, (content) => flip(content, offset, 300))
    const torn = bench.content(FIRST).subarray(offset, offset + frameBytes)
    await (await bench.open()).close()
    expect(bench.content(`${FIRST}.torn`)).toEqual(torn)
    expect(bench.content(FIRST).subarray(offset)).toEqual(Buffer.alloc(SEGMENT_BYTES - offset))
    bench.edit(FIRST, (content) => {
      content.write('garbage', offset)
      return content
    })
    await (await bench.open()).close()
    expect(bench.content(`${FIRST}.torn`)).toEqual(torn)
    expect(bench.content(`${FIRST}.torn-2`).toString()).toBe('garbage')
  })

  it('is durable in its copy before it is overwritten, and zeros are before anything is shown', async () => {
    const bench = await benchWith(FIVE.map((text) => [text]))
    bench.edit(FIRST, (content) => flip(content, bench.place(5).offset, 300))
    const calls: string[] = []
    const short = (path: string) => path.slice(path.lastIndexOf('.'))
    const log = await bench.open(
      {},
      {
        write: (path) => void calls.push(`write ${short(path)}`),
        datasync: (path) => void calls.push(`flush ${short(path)}`),
        syncDirectory: () => void calls.push('sync directory'),
      },
    )
    expect(calls).toEqual([
      'write .seg', // the last group once more
      'flush .seg',
      'sync directory',
      'write .torn',
      'flush .torn',
      'sync directory',
      'write .seg', // zeros
      'flush .seg',
    ])
    await log.close()
  })

  it('keeps the intact records at the beginning of the torn group', async () => {
    const whole = await benchWith([['one'], ['two', 'three', 'four'], ['last']])
    const torn = whole.copy()
    torn.edit(FIRST, (content) => content.subarray(0, whole.place(4).offset + 30))
    expect((await openedTwice(torn)).texts).toEqual(['one', 'two', 'three'])
  })

  it('is also a group whose first sectors were lost while later ones were written', async () => {
    const bench = await benchWith([['one'], ['two', 'three', 'four']])
    const { offset, frameBytes } = bench.place(2)
    bench.edit(FIRST, (content) => content.fill(0, offset, offset + frameBytes))
    const { texts, events } = await openedTwice(bench)
    expect(texts).toEqual(['one'])
    expect(events.map(({ type }) => type)).toEqual(['torn_tail'])
  })

  it('does not become records again behind later ones: stale frames do not follow the chain', async () => {
    const stale = await benchWith([['one'], ['two', 'three', 'four']])
    const bench = stale.copy()
    const { offset } = stale.place(2)
    bench.edit(FIRST, (content) => content.fill(0, offset)) // as if the torn group had been cut off
    const log = await bench.open()
    await log.append(['2nd', 'third', '4th.'].map(textRecord)) // frames as long as the stale ones, as large a group
    await log.close()
    const behind = stale.place(3)
    const staleBytes = stale.content(FIRST).subarray(behind.offset, behind.offset + 400)
    bench.edit(FIRST, (content) => {
      staleBytes.copy(content, behind.offset) // the write was torn, the old bytes show again
      return content
    })
    const { texts, events } = await openedTwice(bench)
    expect(texts).toEqual(['one', '2nd'])
    expect(events.map(({ type }) => type)).toEqual(['torn_tail'])
  })

  it('waits for room for its copy; until then the log is read-only', async () => {
    const bench = await benchWith(FIVE.map((text) => [text]))
    bench.edit(FIRST, (content) => flip(content, bench.place(5).offset, 300))
    bench.disk.capacityBytes = 0
    let runTimer: () => void = () => undefined
    const clock = {
      wallMs: () => 0,
      after: (_delayMs: number, task: () => void) => {
        runTimer = task
        return () => undefined
      },
    }
    const log = await bench.open({ clock })
    expect(await readTexts(log)).toEqual(FIVE.slice(0, 4))
    expect(log.status().writable).toBe(false)
    await expect(log.append([textRecord('a')])).rejects.toMatchObject({ code: 'out_of_space' })
    expect(bench.names()).toEqual([FIRST])
    bench.disk.capacityBytes = Number.MAX_SAFE_INTEGER
    runTimer()
    await expect.poll(() => log.status().writable, { timeout: 30_000 }).toBe(true)
    expect(await log.append([textRecord('a')])).toBe(5)
    expect(bench.types()).toEqual(['out_of_space', 'torn_tail', 'space_available'])
    await log.close()
  })
})
