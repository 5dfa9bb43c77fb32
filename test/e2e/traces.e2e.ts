import { afterAll, describe, expect, it } from 'vitest'
import { Collector } from '../src/collector.js'
import { textOf } from '../src/records.js'
import { useSystem } from '../src/system.js'
import { edgesOf, expectOrder, spanCount, traceIdOf, WHOLE_WAY } from '../src/trace-shapes.js'

const CROWD = 100
const collector = await Collector.start()
const system = useSystem('traces-processes', { env: collector.environment('http/protobuf') })
afterAll(() => collector.stop())

describe('over five processes', () => {
  it('records one by one and at once are each one trace through all of them', async () => {
    const { client, records } = system()
    const first = await client.submit(textOf(records.next()))
    const crowd = await Promise.all(
      Array.from({ length: CROWD }, () => client.submit(textOf(records.next()))),
    )
    for (const answer of [first, ...crowd]) {
      const trace = await collector.traceOf(traceIdOf(answer), spanCount(WHOLE_WAY))
      expect(trace.edges()).toEqual(edgesOf(WHOLE_WAY))
      expectOrder(trace)
    }
  })
})
