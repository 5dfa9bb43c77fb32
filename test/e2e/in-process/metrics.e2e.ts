import { ingest } from '@fractal-lba/proto'
import { serviceNames } from '@fractal-lba/runtime'
import { credentials } from '@grpc/grpc-js'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startBranch } from '../../src/branch.js'
import { Client } from '../../src/client.js'
import { Metrics, metricsOf } from '../../src/metrics.js'
import { type TestRecord, textOf, twinOf } from '../../src/records.js'
import { addressOf, opsUrlOf, useSystemInProcess } from '../../src/system.js'
import { typed } from '../../src/typed-record.js'
import { unary } from '../../src/unary.js'

const system = useSystemInProcess('metrics')
const TRACE = '0af7651916cd43dd8448eb211c80319c'
const traceparent = (flags: string): string => `00-${TRACE}-b7ad6b7169203331-${flags}`
/** The service's name, a method's, a route's pattern: nothing longer, and no other characters. */
const LABEL = /^[A-Za-z0-9_./:+ -]{0,64}$/

function ingestClient(address = addressOf(system().site, 'gateway')) {
  const client = new ingest.IngestServiceClient(address, credentials.createInsecure())
  onTestFinished(() => client.close())
  return {
    submit: (record: TestRecord) => unary(client.submit.bind(client), { record: typed(record) }),
    batch: (records: readonly TestRecord[]) =>
      unary(client.submitBatch.bind(client), { records: records.map(typed) }),
  }
}

/** What is added to flk_submissions_total, by front and code. */
async function submissionsDuring(client: Client, submit: () => Promise<unknown>): Promise<object> {
  const before = await metricsOf(client)
  await submit()
  const after = await metricsOf(client)
  const added: Record<string, number> = {}
  for (const { front = '', code = '' } of after.labelsOf('flk_submissions_total')) {
    const by = after.value('flk_submissions_total', { front, code })
    const more = by - before.value('flk_submissions_total', { front, code })
    if (more !== 0) added[`${front} ${code}`] = more
  }
  return added
}

describe('flk_submissions_total', () => {
  it('has each submission once, by its front and its status, that of HTTP over gRPC too', async () => {
    const { client, records } = system()
    const { submit, batch } = ingestClient()
    const [first, second, forged] = [records.next(), records.next({ budget: 0.9 }), records.next()]
    const added = await submissionsDuring(client, async () => {
      await client.submit(textOf(first))
      await client.submit(textOf(twinOf(first)))
      await client.submit('{}')
      await client.submit(textOf({ ...forged, D_hat: 0.8 }))
      await client.submit('{}', { 'content-type': 'text/plain' })
      await client.submit(' '.repeat(70_000))
      await client.get('/v1/pcs/submit')
      await client.outcome(first.pcs_id)
      await submit(second)
      await submit(twinOf(second)).catch(() => undefined)
      await batch([second, { ...forged, sig: '' }, records.next()])
    })
    expect(added).toEqual({
      ...{ 'http 200': 1, 'http 409': 1, 'http 400': 1, 'http 401': 1, 'http 415': 1, 'http 413': 1 },
      ...{ 'grpc 202': 2, 'grpc 409': 1, 'grpc 401': 1, 'grpc 200': 1 },
    })
  })

  it('has what was refused by the rate and what was not finished', async () => {
    const { records } = system()
    const { client } = await startBranch(system(), { gateway: { TOKEN_RATE: '1' } })
    const limited = await submissionsDuring(client, async () => {
      for (let count = 0; count < 3; count += 1) await client.submit(textOf(records.next()))
    })
    expect(limited).toEqual({ 'http 200': 1, 'http 429': 2 })
    const { constellation, client: main } = system()
    await constellation.stopOne('signal-scoring')
    const unfinished = await submissionsDuring(main, () => main.submit(textOf(records.next())))
    expect(unfinished).toEqual({ 'http 503': 1 })
    await constellation.start('signal-scoring')
    await constellation.untilReady()
  })
})

describe('/metrics/exemplars', () => {
  it('has the trace of a sampled submission, and of no other', async () => {
    const { client, records } = system()
    const shown = async (): Promise<string> => (await client.get('/metrics/exemplars')).body.toString()
    await client.submit(textOf(records.next()), { traceparent: traceparent('00') })
    expect(await shown()).not.toContain(TRACE)
    await client.submit(textOf(records.next()), { traceparent: traceparent('01') })
    const { headers, body } = await client.get('/metrics/exemplars')
    expect(headers['content-type']).toMatch(/^application\/openmetrics-text; version=1\.0\.0/)
    expect(body.toString()).toContain(`code="200"} `)
    expect(body.toString().match(new RegExp(`# {trace_id="${TRACE}"}`, 'g'))).toHaveLength(2)
    expect((await client.get('/metrics')).body.toString()).not.toContain(TRACE)
  })
})

describe('labels', () => {
  it('are never made of what somebody sends: no id, no shard, no path', async () => {
    const { client, records, site } = system()
    const strange = records.next({ shard_id: 'a-strange-shard', epoch: 77_001 })
    await client.submit(textOf(strange), {
      traceparent: traceparent('01'),
      'x-request-id': 'strange-request',
    })
    for (const path of ['/strange', `/v1/pcs/${strange.pcs_id}`, '/problems/strange']) await client.get(path)
    await client.ask({ method: 'PURGE', path: '/v1/pcs/submit' }).catch(() => undefined)
    await ingestClient()
      .submit({ ...strange, sig: '' })
      .catch(() => undefined)
    for (const name of serviceNames) {
      const ops = new Client(opsUrlOf(site, name))
      onTestFinished(() => ops.close())
      const text = (await ops.get('/metrics')).body.toString()
      expect(text).not.toMatch(/strange|PURGE|0af7651916|77001/)
      expect(text).not.toContain(strange.pcs_id.slice(0, 12))
      const metrics = Metrics.parse(text)
      for (const value of metrics.labelValues()) expect(value).toMatch(LABEL)
      expect(metrics.count, name).toBeLessThan(1_000)
    }
  })
})
