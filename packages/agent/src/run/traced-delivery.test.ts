import { describe, expect, it } from 'vitest'
import { type Exchange, NoAnswer, type TraceHeaders } from '../exchange.js'
import { tracedDelivery } from './traced-delivery.js'

type Span = Parameters<NonNullable<Parameters<typeof tracedDelivery>[2]>['record']>[0]

const ENDPOINT = new URL('http://gateway.example:8080')
const RECORD = Buffer.from('{}')

function delivery(samples: boolean, answer: () => Promise<Exchange>) {
  const spans: Span[] = []
  const sent: (TraceHeaders | undefined)[] = []
  const deliver = tracedDelivery(
    (_record, _signal, trace) => {
      sent.push(trace)
      return answer()
    },
    ENDPOINT,
    { samples: () => samples, keepsFailures: true, record: (span) => spans.push(span) },
  )
  return { spans, sent, deliver: () => deliver(RECORD, new AbortController().signal) }
}

const accepted = async (): Promise<Exchange> => ({
  ...{ status: 200, replayed: false, contentType: undefined, retryAfter: undefined, date: undefined },
  body: '',
})

describe('a delivery', () => {
  it('is the root of the trace that the gateway goes on with', async () => {
    const { spans, sent, deliver } = delivery(true, accepted)
    await deliver()
    const [span] = spans
    expect(span).toMatchObject({ name: 'pcs.deliver', kind: 'client', parent: undefined, failure: undefined })
    expect(span?.attributes).toMatchObject({
      'server.address': 'gateway.example',
      'http.response.status_code': 200,
    })
    expect(sent).toEqual([{ traceparent: `00-${span?.traceId}-${span?.spanId}-01` }])
  })

  it('that is not sampled leaves the decision to the gateway', async () => {
    const { spans, sent, deliver } = delivery(false, accepted)
    await deliver()
    expect([spans, sent]).toEqual([[], [undefined]])
  })

  it('that got no answer leaves a span in any case', async () => {
    const { spans, deliver } = delivery(false, async () => {
      throw new NoAnswer('nothing listens there', false)
    })
    await expect(deliver()).rejects.toThrow('nothing listens there')
    expect(spans.map(({ failure }) => failure)).toEqual(['nothing listens there'])
  })
})
