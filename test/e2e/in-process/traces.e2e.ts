import { ingest } from '@fractal-lba/proto'
import { credentials, Metadata, type ServiceError } from '@grpc/grpc-js'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import { Collector } from '../../src/collector.js'
import { retryOf, textOf, twinOf } from '../../src/records.js'
import { addressOf, useSystemInProcess } from '../../src/system.js'
import {
  edgesOf,
  expectOrder,
  LOOKED_UP_WAY,
  REFUSED_WAY,
  spanCount,
  traceIdOf,
  WHOLE_WAY,
} from '../../src/trace-shapes.js'
import { typed } from '../../src/typed-record.js'
import { until } from '../../src/until.js'

const TRACE = 'a'.repeat(32)
const AGENT_SPAN = 'b'.repeat(16)
const CROWD = 300

const collector = await Collector.start()
const quiet = await Collector.start()
const system = useSystemInProcess('traces', { log: 'memory', env: collector.environment('http/protobuf') })
const unsampled = useSystemInProcess('traces-unsampled', {
  log: 'memory',
  env: {
    ...quiet.environment('http/json'),
    OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
    OTEL_TRACES_SAMPLER_ARG: '0',
  },
})
afterAll(async () => {
  await Promise.all([collector.stop(), quiet.stop()])
})

/** A call with metadata, and the trailer of its answer or error. */
function submitOverGrpc(
  method: 'submit' | 'submitBatch',
  request: object,
  headers: Record<string, string> = {},
) {
  const client = new ingest.IngestServiceClient(
    addressOf(system().site, 'gateway'),
    credentials.createInsecure(),
  )
  onTestFinished(() => client.close())
  const metadata = new Metadata()
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value)
  return new Promise<{ readonly error: ServiceError | null; readonly traceresponse: string }>((resolve) => {
    let failed: ServiceError | null = null
    const call = client[method].bind(client) as (
      request: object,
      metadata: Metadata,
      callback: (error: ServiceError | null) => void,
    ) => NodeJS.EventEmitter
    call(request, metadata, (error) => {
      failed = error
    }).on('status', ({ metadata: trailer }: { readonly metadata: Metadata }) => {
      setImmediate(() => resolve({ error: failed, traceresponse: String(trailer.get('traceresponse')[0]) }))
    })
  })
}

describe('a sampled record', () => {
  it('is one trace through all five services, edge by edge, which the answer names', async () => {
    const { client, records } = system()
    const record = records.next()
    const answer = await client.submit(textOf(record), { 'x-request-id': 'seen-here' })
    const trace = await collector.traceOf(traceIdOf(answer), spanCount(WHOLE_WAY))
    expect(trace.edges()).toEqual(edgesOf(WHOLE_WAY))
    expectOrder(trace)
    const root = trace.one('pcs.submit')
    expect(root.kind).toBe('server')
    expect(answer.headers.traceresponse).toContain(root.spanId)
    expect(root.attributes).toMatchObject({
      'pcs.id': record.pcs_id,
      'pcs.status': 200,
      'pcs.accepted': true,
      'pcs.replayed': false,
      'pcs.front': 'http',
      'pcs.request_id': 'seen-here',
      'http.route': '/v1/pcs/submit',
    })
    expect(root.attributes['pcs.log_sequence']).toBeGreaterThan(0)
    expect(trace.one('verifier.verify', 'server').attributes).toMatchObject({ 'pcs.shard': record.shard_id })
    expect(trace.one('dedup.putIfAbsent', 'server').attributes).toMatchObject({
      'pcs.store': 'memory',
      'pcs.finding': 'own',
      'rpc.system.name': 'grpc',
      'rpc.method': 'flk.dedup.v1.DedupService/PutIfAbsentBatches',
    })
    expect(trace.spans.some(({ isError }) => isError)).toBe(false)
  })

  it('hangs below the span of the agent that sends one, and keeps its trace', async () => {
    const { client, records } = system()
    const traceparent = `00-${TRACE}-${AGENT_SPAN}-01`
    const answer = await client.submit(textOf(records.next()), { traceparent })
    expect(traceIdOf(answer)).toBe(TRACE)
    const trace = await collector.traceOf(TRACE, spanCount(WHOLE_WAY))
    expect(trace.edges()).toEqual(edgesOf(WHOLE_WAY, { above: 'outside' }))
    expect(trace.one('pcs.submit').parentSpanId).toBe(AGENT_SPAN)
  })

  it('has no trace where the agent says that it has none', async () => {
    const { client, records } = system()
    const traceparent = `00-${'c'.repeat(32)}-${AGENT_SPAN}-00`
    const answer = await client.submit(textOf(records.next()), { traceparent })
    expect(answer.headers).not.toHaveProperty('traceresponse')
    await collector.traceOf(traceIdOf(await client.submit(textOf(records.next()))), spanCount(WHOLE_WAY))
    expect(collector.trace('c'.repeat(32)).spans).toEqual([])
  })

  it('is one trace as well when it travels with hundreds of others, and its batches link to it', async () => {
    const { client, records } = system()
    const answers = await Promise.all(
      Array.from({ length: CROWD }, () => client.submit(textOf(records.next()))),
    )
    const ids = answers.map(traceIdOf)
    expect(new Set(ids).size).toBe(CROWD)
    for (const id of ids) {
      const trace = await collector.traceOf(id, spanCount(WHOLE_WAY))
      expect(trace.edges()).toEqual(edgesOf(WHOLE_WAY))
      expectOrder(trace)
    }
    const batches = collector.spans.filter(({ name }) => name === 'wal.append batch')
    const linksTo = (id: string) =>
      batches.filter(({ links }) => links.some(({ traceId }) => traceId === id)).length
    expect(ids.map(linksTo)).toEqual(ids.map(() => 1))
    const largest = Math.max(...batches.map(({ links }) => links.length))
    expect(largest).toBeGreaterThan(1)
    expect(largest).toBeLessThanOrEqual(128)
    for (const { attributes, links, parentSpanId } of batches) {
      expect(attributes['messaging.batch.message_count']).toBeGreaterThanOrEqual(links.length)
      expect(parentSpanId).toBe('')
    }
  })

  it('over gRPC has the same trace, named in the metadata of the answer and of an error', async () => {
    const { records } = system()
    const record = records.next()
    const headers = { traceparent: `00-${'d'.repeat(32)}-${AGENT_SPAN}-01` }
    const first = await submitOverGrpc('submit', { record: typed(record) }, headers)
    expect(first.traceresponse).toMatch(/^00-d{32}-[0-9a-f]{16}-01$/)
    const trace = await collector.traceOf('d'.repeat(32), spanCount(WHOLE_WAY))
    expect(trace.edges()).toEqual(edgesOf(WHOLE_WAY, { above: 'outside' }))
    expect(trace.one('pcs.submit').attributes).toMatchObject({
      'pcs.front': 'grpc',
      'rpc.method': 'flk.ingest.v1.IngestService/Submit',
    })
    const conflict = await submitOverGrpc('submit', { record: typed(twinOf(record)) })
    expect(conflict.error?.code).toBe(6)
    const id = conflict.traceresponse.slice(3, 35)
    const refused = await collector.traceOf(id, spanCount(WHOLE_WAY))
    expect(refused.edges()).toEqual(edgesOf(WHOLE_WAY))
  })

  it('of a batch over gRPC has a trace of its own, linked to the one of the request', async () => {
    const { records } = system()
    const three = [records.next(), records.next(), records.next()]
    const { traceresponse } = await submitOverGrpc('submitBatch', { records: three.map(typed) })
    const [request] = (await collector.traceOf(traceresponse.slice(3, 35), 1)).spans
    expect([request?.name, request?.attributes['messaging.batch.message_count']]).toEqual([
      'pcs.submit_batch',
      3,
    ])
    for (const record of three) {
      const root = await collector.rootWith('pcs.submit', 'pcs.id', record.pcs_id)
      expect(root.links).toEqual([{ traceId: request?.traceId, spanId: request?.spanId }])
      const trace = await collector.traceOf(root.traceId, spanCount(WHOLE_WAY))
      expect(trace.edges()).toEqual(edgesOf(WHOLE_WAY))
    }
  })
})

describe('what becomes of a record', () => {
  it('a duplicate, a conflict and an escalation have the whole way, and say what they are', async () => {
    const { client, records } = system()
    const record = records.next({ budget: 0.9 })
    const answers = [record, retryOf(record), twinOf(record)].map(textOf)
    const said: unknown[] = []
    for (const text of answers) {
      const trace = await collector.traceOf(traceIdOf(await client.submit(text)), spanCount(WHOLE_WAY))
      expect(trace.edges()).toEqual(edgesOf(WHOLE_WAY))
      const { attributes, isError } = trace.one('pcs.submit')
      said.push([attributes['pcs.status'], attributes['pcs.replayed'], attributes['pcs.reason'], isError])
    }
    expect(said).toEqual([
      [202, false, 'budget_deviation', false],
      [202, true, 'budget_deviation', false],
      [409, undefined, 'pcs_conflict', false],
    ])
  })

  it('a refused one ends after the verifier', async () => {
    const { client, records } = system()
    const forged = { ...records.next(), sig: records.next().sig }
    for (const [text, reason] of [
      [textOf(forged), 'unauthenticated'],
      ['{}', 'malformed'],
    ] as const) {
      const answer = await client.submit(text)
      const trace = await collector.traceOf(traceIdOf(answer), spanCount(REFUSED_WAY))
      expect(trace.edges()).toEqual(edgesOf(REFUSED_WAY))
      expect(trace.one('pcs.submit').attributes).toMatchObject({
        'pcs.status': answer.status,
        'pcs.reason': reason,
      })
      expect(trace.one('pcs.submit').isError).toBe(false)
    }
  })

  it('in an outage it says where it failed, and its replay is a new trace that links to it', async () => {
    const { client, constellation, records } = system()
    const stored = records.next()
    await client.submit(textOf(stored))
    await constellation.stopOne('signal-scoring')
    const lost = records.next()
    const failed = await client.submit(textOf(lost))
    const duplicate = await client.submit(textOf(retryOf(stored)))
    expect([failed.status, duplicate.status]).toEqual([503, 200])

    const lookedUp = await collector.traceOf(traceIdOf(duplicate), spanCount(LOOKED_UP_WAY) - 1)
    const withoutScoring = edgesOf(LOOKED_UP_WAY).filter(
      (edge) => !edge.endsWith('signal-scoring scoring.judge'),
    )
    expect(lookedUp.edges()).toEqual(withoutScoring)
    expect(lookedUp.one('scoring.judge').isError).toBe(true)
    const firstTry = await collector.traceOf(traceIdOf(failed), 8)
    expect(firstTry.one('pcs.submit').isError).toBe(true)
    expect(firstTry.one('pcs.submit').attributes).toMatchObject({
      'pcs.id': lost.pcs_id,
      'pcs.status': 503,
      'error.type': 'unavailable',
    })

    await constellation.start('signal-scoring')
    await until(
      'it is finished by replay',
      20_000,
      async () => (await client.outcome(lost.pcs_id)).status === 200,
    )
    const replay = await collector.rootWith('pcs.replay', 'pcs.status', 200)
    expect(replay.traceId).not.toBe(firstTry.one('pcs.submit').traceId)
    expect(replay.links.map(({ traceId }) => traceId)).toEqual([firstTry.one('pcs.submit').traceId])
    const trace = await collector.traceOf(replay.traceId, spanCount(WHOLE_WAY) - 2)
    const steps = WHOLE_WAY.filter((step) => step !== 'append')
    expect(trace.edges()).toEqual(edgesOf(steps, { root: 'pcs.replay' }))
  }, 40_000)
})

describe('where the head says no', () => {
  it('an accepted record leaves nothing, an escalated one and a 503 what the gateway knows of them', async () => {
    const { client, constellation, records } = unsampled()
    const accepted = await client.submit(textOf(records.next()))
    expect(accepted.headers).not.toHaveProperty('traceresponse')

    const escalated = await client.submit(textOf(records.next({ budget: 0.9 })))
    const steps = ['verifier.verify', 'scoring.judge', 'dedup.putIfAbsent', 'wal.markDone', 'wal.append']
    const trace = await quiet.traceOf(traceIdOf(escalated), 1 + steps.length)
    expect(trace.edges()).toEqual(
      ['root > gateway pcs.submit', ...steps.map((name) => `gateway pcs.submit > gateway ${name}`)].sort(),
    )
    expectOrder(trace)
    expect(trace.one('pcs.submit').attributes).toMatchObject({ 'pcs.reason': 'budget_deviation' })

    await constellation.stopOne('verifier')
    const traceparent = `00-${'e'.repeat(32)}-${AGENT_SPAN}-00`
    const failed = await client.submit(textOf(records.next()), { traceparent })
    expect([failed.status, traceIdOf(failed)]).toEqual([503, 'e'.repeat(32)])
    const outage = await quiet.traceOf('e'.repeat(32), 3)
    expect(outage.edges()).toEqual([
      'gateway pcs.submit > gateway verifier.verify',
      'gateway pcs.submit > gateway wal.append',
      'outside > gateway pcs.submit',
    ])
    expect([outage.one('verifier.verify').isError, outage.one('wal.append').isError]).toEqual([true, false])
    expect(quiet.spans).toHaveLength(trace.spans.length + outage.spans.length)
  })
})
