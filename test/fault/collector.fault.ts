import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Collector, type Mood } from '../src/collector.js'
import { isLong } from '../src/long.js'
import { metricsOf } from '../src/metrics.js'
import { patience } from '../src/patience.js'
import { residentBytes } from '../src/processes.js'
import { textOf } from '../src/records.js'
import { useSystem } from '../src/system.js'
import { until } from '../src/until.js'

const RECORDS = isLong ? 20_000 : 500
const AT_ONCE = 32
const QUEUE_SPANS = 300
/** Spans of one record that its gateway makes. */
const SPANS_PER_RECORD = 6
const RESIDENT_GROWTH_BYTES_MAX = 96 * 2 ** 20
/** A hundred times what one takes here; a span that is waited for takes the seconds of its export. */
const ANSWER_MS_MAX = 1_500

const collector = await Collector.start()
const system = useSystem('collector', {
  supervise: false,
  env: {
    ...patience,
    ...collector.environment('http/protobuf'),
    OTEL_BSP_MAX_QUEUE_SIZE: String(QUEUE_SPANS),
    OTEL_BSP_EXPORT_TIMEOUT: '2000',
    OTEL_EXPORTER_OTLP_TIMEOUT: '2000',
    TOKEN_RATE: '0',
  },
})
afterAll(() => collector.stop())

describe('the collector', () => {
  beforeAll(async () => {
    await crowd(RECORDS)
  })

  it.each<Mood | 'is away'>(['hangs', 'refuses', 'breaks off', 'is slow', 'is away'])(
    '%s: each record is answered as ever, spans are dropped and counted',
    async (mood) => {
      const pid = system().constellation.pids().gateway
      if (pid === undefined) throw new Error('there is no gateway')
      const before = { dropped: await dropped(), resident: await residentBytes(pid) }
      if (mood === 'is away') await collector.stop()
      else collector.mood = mood
      const { slowestMs, statuses } = await crowd(RECORDS)
      expect([...statuses]).toEqual([200])
      expect(slowestMs).toBeLessThan(ANSWER_MS_MAX)
      // All but what waits for its turn, and what a slow one took after all.
      const least = mood === 'is slow' ? RECORDS : RECORDS * SPANS_PER_RECORD - 2 * QUEUE_SPANS
      await until(
        'the spans are counted as dropped',
        30_000,
        async () => (await dropped()) - before.dropped >= least,
      )
      expect((await residentBytes(pid)) - before.resident).toBeLessThan(RESIDENT_GROWTH_BYTES_MAX)
    },
  )

  it('is back: spans come again, without anybody doing something', async () => {
    await collector.restart()
    collector.mood = 'takes'
    const received = collector.spans.length
    await until('spans come again', 30_000, async () => {
      await crowd(1)
      return collector.spans.length > received
    })
  })
})

/** Agents that send one record after the other. */
async function crowd(records: number): Promise<{ slowestMs: number; statuses: ReadonlySet<number> }> {
  const { client, records: maker } = system()
  const statuses = new Set<number>()
  let slowestMs = 0
  let left = records
  const agent = async (): Promise<void> => {
    while (left > 0) {
      left -= 1
      const text = textOf(maker.next())
      const beganMs = performance.now()
      statuses.add((await client.submit(text)).status)
      slowestMs = Math.max(slowestMs, performance.now() - beganMs)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, agent))
  return { slowestMs, statuses }
}

/** By the gateway. */
async function dropped(): Promise<number> {
  return (await metricsOf(system().client)).value('otel_spans_dropped_total')
}
