import { describe, expect, it } from 'vitest'
import { AppError, unavailable } from '../errors.js'
import type { MethodEnd, TracedItem } from '../rpc/interceptors.js'
import { spans } from './spans.js'
import type { FinishedSpan, Tracer } from './tracer.js'
import { Work } from './work.js'

const NAME = { service: 'flk.wal.v1.WalService', method: 'AppendBatches' } as const
const CLIENT: MethodEnd = { ...NAME, end: 'client', kind: 'batch' }
const SERVER: MethodEnd = { ...NAME, end: 'server', kind: 'batch' }

function tracing(sampled: boolean) {
  const recorded: FinishedSpan[] = []
  const tracer: Tracer = {
    samples: () => sampled,
    keepsFailures: true,
    record: (span) => recorded.push(span),
  }
  const work = () => new Work(tracer, { name: 'pcs.submit', kind: 'server', startMs: 1, attributes: {} })
  return { recorded, tracer, work }
}

/** What an interceptor may change, and what its caller notes meanwhile. */
interface Item extends TracedItem {
  error: unknown
}

function itemOf(context: TracedItem['context']): Item {
  return { askedMs: 2, context, error: undefined }
}

const ended = { attributes: () => ({}), failure: undefined, isNotable: false }

describe('the spans of a batch', () => {
  it('of an item that is sent again are two beside each other, the first with its error', () => {
    const { recorded, tracer, work } = tracing(true)
    const around = spans(tracer)(CLIENT)
    const submission = work()
    const first = itemOf(submission)
    const endFirst = around({ size: 2, beganMs: 3, traced: [first] })
    const sentFirst = first.context?.traceparent
    first.error = unavailable('it is not reachable')
    endFirst?.({ endedMs: 4, errors: [first.error] })
    const second = itemOf(first.context)
    around({ size: 1, beganMs: 5, traced: [second] })?.({ endedMs: 6, errors: [] })
    const [one, other] = recorded.filter(({ name }) => name === 'wal.append')
    expect([one?.failure, other?.failure]).toEqual(['it is not reachable', undefined])
    expect([one?.parent?.spanId, other?.parent?.spanId]).toEqual([submission.spanId, submission.spanId])
    expect(sentFirst).toBe(`00-${submission.traceId}-${one?.spanId}-01`)
    expect(second.context?.traceparent).toBe(`00-${submission.traceId}-${other?.spanId}-01`)
  })

  it('link to its sampled items, at most 128 of them, and each item to it', () => {
    const { recorded, tracer, work } = tracing(true)
    const items = Array.from({ length: 200 }, () => itemOf(work()))
    spans(tracer)(CLIENT)({ size: 300, beganMs: 3, traced: items })?.({ endedMs: 4, errors: [] })
    const batch = recorded.find(({ name }) => name === 'wal.append batch')
    expect(batch?.links).toHaveLength(128)
    expect(batch?.attributes).toMatchObject({ 'messaging.batch.message_count': 300 })
    const ofItems = recorded.filter(({ name }) => name === 'wal.append')
    expect(new Set(ofItems.map(({ links }) => links[0]?.spanId))).toEqual(new Set([batch?.spanId]))
  })

  it('is none where nothing was sent: the item alone says why', () => {
    const { recorded, tracer, work } = tracing(true)
    const item = itemOf(work())
    item.error = unavailable('wal is not reachable')
    spans(tracer)(CLIENT)({ size: 1, beganMs: undefined, traced: [item] })?.({ endedMs: 4, errors: [] })
    expect(recorded.map(({ name, links }) => [name, links])).toEqual([['wal.append', []]])
  })

  it('are none of items that are not sampled, and nothing of them travels', () => {
    const { recorded, tracer, work } = tracing(false)
    const item = itemOf(work())
    spans(tracer)(CLIENT)({ size: 1, beganMs: 3, traced: [item] })?.({ endedMs: 4, errors: [] })
    expect([recorded, item.context?.traceparent]).toEqual([[], ''])
  })

  it('at the server hang on the client’s, and say what the handler noted', () => {
    const { recorded, tracer } = tracing(true)
    const [traceId, spanId] = ['a'.repeat(32), 'b'.repeat(16)]
    const item = itemOf({ traceparent: `00-${traceId}-${spanId}-01`, tracestate: '' })
    const unsampled = itemOf({ traceparent: `00-${traceId}-${spanId}-00`, tracestate: '' })
    const end = spans(tracer)(SERVER)({ size: 2, beganMs: 3, traced: [item, unsampled] })
    item.context?.note?.({ 'pcs.log_sequence': 7 })
    expect(unsampled.context?.note).toBeUndefined()
    end?.({ endedMs: 4, errors: [] })
    expect(recorded).toHaveLength(1)
    expect(recorded[0]).toMatchObject({ kind: 'server', traceId, parent: { spanId }, startMs: 3, endMs: 4 })
    expect(recorded[0]?.attributes).toMatchObject({ 'pcs.log_sequence': 7 })
  })
})

describe('work that is not sampled', () => {
  it.each([true, false])('leaves its steps and itself where it is notable (%s)', (isNotable) => {
    const { recorded, tracer, work } = tracing(false)
    const submission = work()
    const item = itemOf(submission)
    spans(tracer)(CLIENT)({ size: 1, beganMs: 3, traced: [item] })?.({ endedMs: 4, errors: [] })
    submission.end({ ...ended, endMs: 5, isNotable })
    expect(recorded.map(({ name }) => name)).toEqual(isNotable ? ['wal.append', 'pcs.submit'] : [])
    expect(submission.traceresponse !== undefined).toBe(isNotable)
  })

  it('takes a step that ends after it, a call that nobody waits for any more', () => {
    const { recorded, tracer, work } = tracing(false)
    const submission = work()
    const item = itemOf(submission)
    const end = spans(tracer)(CLIENT)({ size: 1, beganMs: 3, traced: [item] })
    submission.end({ ...ended, endMs: 5, isNotable: true, failure: 'too late' })
    end?.({ endedMs: 9, errors: [new AppError('unavailable', 'wal did not answer in time')] })
    expect(recorded.map(({ name, failure }) => [name, failure])).toEqual([
      ['pcs.submit', 'too late'],
      ['wal.append', 'wal did not answer in time'],
    ])
  })
})
