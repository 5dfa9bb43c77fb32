import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestSite, testSite } from '@fractal-lba/local'
import { ingest } from '@fractal-lba/proto'
import { freePort, type JaegerServer, startJaeger } from '@fractal-lba/test-servers'
import { credentials } from '@grpc/grpc-js'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { repositoryRoot } from '../src/branch.js'
import type { Trace } from '../src/collector.js'
import { JaegerTraces } from '../src/jaeger.js'
import { patience } from '../src/patience.js'
import { retryOf, textOf, twinOf } from '../src/records.js'
import { addressOf, System } from '../src/system.js'
import { pictureOf } from '../src/trace-picture.js'
import { edgesOf, expectOrder, REFUSED_WAY, spanCount, traceIdOf, WHOLE_WAY } from '../src/trace-shapes.js'
import { typed } from '../src/typed-record.js'
import { unary } from '../src/unary.js'
import { until } from '../src/until.js'

// The five processes and a real Jaeger. It is built by npm run test:observability.

const CROWD = 500
const SERVICES = ['dedup', 'gateway', 'signal-scoring', 'verifier', 'wal']

let jaeger: JaegerServer
let traces: JaegerTraces
let site: TestSite
let system: System
beforeAll(async () => {
  jaeger = await startJaeger()
  traces = new JaegerTraces(jaeger.queryUrl)
  site = await testSite('jaeger')
  system = await System.start(site, 'jaeger', { supervise: false, env: { ...patience, ...telemetry() } })
})
afterAll(async () => {
  system?.close()
  await site?.dispose()
  await jaeger?.close()
})

describe('Jaeger shows', () => {
  it('a record as one trace through five services, edge by edge', async () => {
    const record = system.records.next()
    const answer = await system.client.submit(textOf(record))
    const trace = await traces.traceOf(traceIdOf(answer), spanCount(WHOLE_WAY))
    expect(trace.edges()).toEqual(edgesOf(WHOLE_WAY))
    expect([...new Set(trace.spans.map(({ service }) => service))].sort()).toEqual(SERVICES)
    expectOrder(trace)
    const found = await traces.find('gateway', 'pcs.submit', { 'pcs.id': record.pcs_id })
    expect(found.map(({ spans }) => spans[0]?.traceId)).toEqual([traceIdOf(answer)])
  })

  it('the span of the agent that sent one as the root', async () => {
    const [traceId, spanId] = ['a'.repeat(31).concat('1'), 'b'.repeat(15).concat('1')]
    await sendSpanOfAgent(traceId, spanId)
    const traceparent = `00-${traceId}-${spanId}-01`
    await system.client.submit(textOf(system.records.next()), { traceparent })
    const trace = await traces.traceOf(traceId, 1 + spanCount(WHOLE_WAY))
    const below = edgesOf(WHOLE_WAY).filter((edge) => !edge.startsWith('root'))
    expect(trace.edges()).toEqual(
      ['root > some-agent agent.deliver', 'some-agent agent.deliver > gateway pcs.submit', ...below].sort(),
    )
  })

  it('the delivery of pcs agent run as the root', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'fractal-lba-agent-'))
    const watched = join(directory, 'events')
    await mkdir(watched)
    await writeFile(join(watched, 'jaeger-agent.1.csv'), 'timestamp,x,y,z\n0,0.1,0.2,0.3\n1,0.9,0.4,0.7\n')
    const program = join(repositoryRoot, 'packages/cli/bin/pcs.js')
    const order = [
      'agent',
      'run',
      '--watch',
      watched,
      '--outbox',
      join(directory, 'outbox'),
      '--settle-ms',
      '0',
    ]
    const agent = spawn(process.execPath, [program, ...order, '--endpoint', system.client.baseUrl], {
      stdio: 'ignore',
      env: {
        ...{ PATH: process.env.PATH, PCS_SIGN_ALG: 'hmac', PCS_HMAC_KEY: site.hmacKey },
        ...{ METRICS_ADDR: `127.0.0.1:${await freePort()}`, ...telemetry() },
      },
    })
    onTestFinished(async () => {
      agent.kill()
      await rm(directory, { recursive: true, force: true, maxRetries: 5 })
    })
    const { traceId } = (await untilFound('agent', 'pcs.deliver', {})).one('pcs.deliver')
    const trace = await traces.traceOf(traceId, 1 + spanCount(WHOLE_WAY))
    const below = edgesOf(WHOLE_WAY).filter((edge) => !edge.startsWith('root'))
    expect(trace.edges()).toEqual(
      ['root > agent pcs.deliver', 'agent pcs.deliver > gateway pcs.submit', ...below].sort(),
    )
  })

  it(`${CROWD} records that came at once as ${CROWD} traces, with batches that link to them`, async () => {
    const records = Array.from({ length: CROWD }, () => system.records.next())
    const answers = await Promise.all(records.map((record) => system.client.submit(textOf(record))))
    const ids = answers.map(traceIdOf)
    expect(new Set(ids).size).toBe(CROWD)
    for (const id of ids) {
      const trace = await traces.traceOf(id, spanCount(WHOLE_WAY))
      expect(trace.edges()).toEqual(edgesOf(WHOLE_WAY))
      expectOrder(trace)
    }
    const batches = await traces.find('gateway', 'wal.append batch', {})
    const linked = batches.flatMap(({ spans }) => spans).flatMap(({ links }) => links)
    const linkedIds = new Set(linked.map(({ traceId }) => traceId))
    expect(ids.filter((id) => !linkedIds.has(id))).toEqual([])
    // Code that has run is the code that operators look at.
    const lone = await system.client.submit(textOf(system.records.next()))
    const trace = await traces.traceOf(traceIdOf(lone), spanCount(WHOLE_WAY))
    await draw('trace-accepted', trace, 'POST /v1/pcs/submit, 200')
  })

  it('records over gRPC, one by one and in a batch', async () => {
    const client = new ingest.IngestServiceClient(addressOf(site, 'gateway'), credentials.createInsecure())
    onTestFinished(() => client.close())
    const records = Array.from({ length: 20 }, () => system.records.next())
    const [first, ...others] = records
    if (!first) throw new Error('there is no record')
    await unary(client.submit.bind(client), { record: typed(first) })
    await unary(client.submitBatch.bind(client), { records: others.map(typed) })
    for (const { pcs_id: id } of records) {
      const trace = await untilFound('gateway', 'pcs.submit', { 'pcs.id': id })
      const { traceId } = trace.one('pcs.submit')
      expect((await traces.traceOf(traceId, spanCount(WHOLE_WAY))).edges()).toEqual(edgesOf(WHOLE_WAY))
    }
    const [request] = await traces.find('gateway', 'pcs.submit_batch', {})
    const { traceId } = request?.one('pcs.submit_batch') ?? {}
    const last = await untilFound('gateway', 'pcs.submit', { 'pcs.id': others[0]?.pcs_id ?? '' })
    expect(last.one('pcs.submit').links.map((link) => link.traceId)).toEqual([traceId])
  })

  it('duplicates, conflicts, escalations and refusals by their status and reason', async () => {
    const record = system.records.next({ budget: 0.9 })
    const forged = { ...system.records.next(), sig: system.records.next().sig }
    for (const [text, way, status, reason] of [
      [textOf(record), WHOLE_WAY, 202, 'budget_deviation'],
      [textOf(retryOf(record)), WHOLE_WAY, 202, 'budget_deviation'],
      [textOf(twinOf(record)), WHOLE_WAY, 409, 'pcs_conflict'],
      [textOf(forged), REFUSED_WAY, 401, 'unauthenticated'],
      ['{', REFUSED_WAY, 400, 'malformed'],
    ] as const) {
      const trace = await traces.traceOf(traceIdOf(await system.client.submit(text)), spanCount(way))
      expect(trace.edges()).toEqual(edgesOf(way))
      expect(trace.one('pcs.submit').attributes).toMatchObject({ 'pcs.status': status, 'pcs.reason': reason })
    }
  })

  it('an outage as an error where it is, and the replay as a trace that links to it', async () => {
    const { client, constellation, records } = system
    await constellation.kill('signal-scoring', 'SIGKILL')
    const lost = records.next()
    const failed = await client.submit(textOf(lost))
    expect(failed.status).toBe(503)
    const first = await traces.traceOf(traceIdOf(failed), 8)
    expect([first.one('pcs.submit').isError, first.one('scoring.judge').isError]).toEqual([true, true])
    expect(first.one('wal.append', 'client').isError).toBe(false)
    await draw('trace-outage', first, 'POST /v1/pcs/submit, 503: signal-scoring is down')
    constellation.start('signal-scoring')
    await until(
      'it is finished by replay',
      40_000,
      async () => (await client.outcome(lost.pcs_id)).status === 200,
    )
    const found = await untilFound('gateway', 'pcs.replay', { 'pcs.id': lost.pcs_id })
    const { traceId, links } = found.one('pcs.replay')
    expect(links.map((link) => link.traceId)).toEqual([traceIdOf(failed)])
    const steps = WHOLE_WAY.filter((step) => step !== 'append')
    const replay = await traces.traceOf(traceId, spanCount(steps))
    expect(replay.edges()).toEqual(edgesOf(steps, { root: 'pcs.replay' }))
  }, 90_000)
})

/** The pictures of docs/tracing.md, where they are asked for: FLK_PICTURES=1. */
async function draw(name: string, trace: Trace, title: string): Promise<void> {
  if (process.env.FLK_PICTURES !== '1') return
  const directory = join(repositoryRoot, 'docs/pictures')
  await mkdir(directory, { recursive: true })
  await writeFile(join(directory, `${name}.svg`), pictureOf(trace, title))
}

function telemetry() {
  return {
    OTEL_EXPORTER_OTLP_ENDPOINT: jaeger.otlpUrl,
    OTEL_BSP_SCHEDULE_DELAY: '200',
    OTEL_BSP_MAX_QUEUE_SIZE: '20000',
  }
}

function untilFound(service: string, operation: string, tags: Readonly<Record<string, string>>) {
  return until(`Jaeger finds ${operation} with ${JSON.stringify(tags)}`, 30_000, async () => {
    const [trace] = await traces.find(service, operation, tags)
    return trace
  })
}

async function sendSpanOfAgent(traceId: string, spanId: string): Promise<void> {
  const nowNs = BigInt(Date.now()) * 1_000_000n
  const times = { startTimeUnixNano: String(nowNs), endTimeUnixNano: String(nowNs + 50_000_000n) }
  const span = { traceId, spanId, name: 'agent.deliver', kind: 3, ...times }
  const service = { key: 'service.name', value: { stringValue: 'some-agent' } }
  const body = JSON.stringify({
    resourceSpans: [{ resource: { attributes: [service] }, scopeSpans: [{ spans: [span] }] }],
  })
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(`${jaeger.otlpUrl}/v1/traces`, { method: 'POST', headers, body })
  expect(answer.status).toBe(200)
}
