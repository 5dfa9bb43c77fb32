import { ingest } from '@fractal-lba/proto'
import { credentials, Metadata, type ServiceError } from '@grpc/grpc-js'
import { describe, expect, it, onTestFinished } from 'vitest'
import { json } from '../../src/client.js'
import { type TestRecord, textOf, twinOf } from '../../src/records.js'
import { useSystemInProcess } from '../../src/system.js'

const system = useSystemInProcess('log-lines', { log: 'memory' })
const TRACE = '0af7651916cd43dd8448eb211c80319c'
const SPAN = 'b7ad6b7169203331'

/** What the gateway writes during the work, from level info on. */
async function linesDuring(work: () => Promise<unknown>): Promise<readonly Record<string, unknown>[]> {
  const before = system().lines.length
  await work()
  return system()
    .lines.slice(before)
    .filter(({ service }) => service === 'gateway')
    .map(({ text }) => JSON.parse(text) as Record<string, unknown>)
}

describe('the gateway writes one line', () => {
  const forged = (record: TestRecord): string => textOf({ ...record, D_hat: 0.8 })
  it.each([
    { what: 'refused', reason: 'unauthenticated', status: 401, changes: {}, send: forged },
    { what: 'refused', reason: 'malformed', status: 400, changes: { epoch: -1 }, send: textOf },
    { what: 'escalated', reason: 'budget_deviation', status: 202, changes: { budget: 0.9 }, send: textOf },
  ] as const)('of a record that is $what: $reason', async ({ what, reason, status, changes, send }) => {
    const { client, records } = system()
    const record = records.next(changes)
    const headers = { 'x-request-id': 'order-17', traceparent: `00-${TRACE}-${SPAN}-00` }
    const lines = await linesDuring(() => client.submit(send(record), headers))
    expect(lines).toMatchObject([
      {
        ...{ msg: `a record was ${what}`, reason, status, pcsId: record.pcs_id, requestId: 'order-17' },
        ...{ trace_id: TRACE, span_id: SPAN, front: 'http' },
      },
    ])
    expect(JSON.stringify(lines)).not.toMatch(new RegExp(`${record.sig.slice(0, 12)}|${record.merkle_root}`))
  })

  it('of a record over gRPC, with the request id that its trailer names', async () => {
    const client = new ingest.IngestServiceClient(
      system().constellation.grpcAddress,
      credentials.createInsecure(),
    )
    onTestFinished(() => client.close())
    const refusalTo = (metadata: Metadata): Promise<ServiceError | null> =>
      new Promise((resolve) => client.submit({ record: undefined }, metadata, (error) => resolve(error)))
    const named = new Metadata()
    named.set('x-request-id', 'order-18')
    const told: unknown[] = []
    const lines = await linesDuring(async () => {
      for (const metadata of [named, new Metadata()]) {
        told.push((await refusalTo(metadata))?.metadata.get('x-request-id')[0])
      }
    })
    expect(told).toEqual(['order-18', expect.stringMatching(/^[a-z0-9]+-[a-z0-9]+$/)])
    expect(lines).toMatchObject(told.map((requestId) => ({ front: 'grpc', reason: 'malformed', requestId })))
  })

  it('of a conflict; none of a duplicate, nor of what is accepted', async () => {
    const { client, records } = system()
    const record = records.next({ budget: 0.9 })
    await client.submit(textOf(record))
    expect(await linesDuring(() => client.submit(textOf(record)))).toEqual([])
    expect(await linesDuring(() => client.submit(textOf(records.next())))).toEqual([])
    const lines = await linesDuring(() => client.submit(textOf(twinOf(record))))
    expect(lines).toMatchObject([{ reason: 'pcs_conflict', status: 409, pcsId: record.pcs_id }])
  })

  it('of a record that fails, with the request id that its answer names', async () => {
    const { client, records, constellation } = system()
    await constellation.stopOne('signal-scoring')
    const record = records.next()
    let instance: unknown
    const lines = await linesDuring(async () => {
      const answer = await client.submit(textOf(record))
      instance = (json(answer) as { instance: string }).instance
    })
    const failed = lines.filter(({ reason }) => reason === 'unavailable')
    expect(failed).toMatchObject([{ level: 'warn', status: 503, pcsId: record.pcs_id, requestId: instance }])
    await constellation.start('signal-scoring')
    await constellation.untilReady()
  })

  it('for a hundred of one reason at most, in ten seconds', async () => {
    const { client, records } = system()
    const text = forged(records.next())
    const lines = await linesDuring(() => Promise.all(Array.from({ length: 300 }, () => client.submit(text))))
    expect(lines.length).toBeGreaterThan(50)
    expect(lines.length).toBeLessThanOrEqual(100)
  })
})

describe('the level of all services in one process', () => {
  it('is switched to debug and back', async () => {
    const { client, constellation } = system()
    const health = () => linesDuring(() => client.get('/health'))
    expect(await health()).toEqual([])
    constellation.switchLogLevel()
    expect(await health()).toMatchObject([{ level: 'debug', msg: 'answered', route: '/health' }])
    constellation.switchLogLevel()
    expect(await health()).toEqual([])
  })
})
