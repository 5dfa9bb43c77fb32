import { describe, expect, it, onTestFinished } from 'vitest'
import { type Answer, Client, json } from '../../src/client.js'
import { Metrics } from '../../src/metrics.js'
import { textOf } from '../../src/records.js'
import { type AnyConstellation, opsUrlOf, type System, useSystemInProcess } from '../../src/system.js'
import { until } from '../../src/until.js'

const processes = ['gateway', 'wal', 'verifier', 'dedup', 'signal-scoring'] as const
type ProcessName = (typeof processes)[number]
const READY_LIMIT_MS = 10_000

function opsClient(system: System<AnyConstellation>, name: ProcessName): Client {
  const client = new Client(opsUrlOf(system.site, name))
  onTestFinished(() => client.close())
  return client
}

async function metricsOfProcess(system: System<AnyConstellation>, name: ProcessName): Promise<Metrics> {
  return Metrics.parse((await opsClient(system, name).get('/metrics')).body.toString())
}

/** Its answer, when it is ready: one look at a service that came late makes it unready for a second. */
function untilReady(client: Client): Promise<Answer> {
  return until('it is ready', READY_LIMIT_MS, async () => {
    const answer = await client.get('/ready')
    return answer.status === 200 && (json(answer) as { status: string }).status === 'ready' && answer
  })
}

describe('with no user for the metrics', () => {
  const system = useSystemInProcess('operations')

  it.each(processes)('%s: /health is a plain OK', async (name) => {
    const answer = await opsClient(system(), name).get('/health')
    expect([answer.status, answer.body.toString().trim()]).toEqual([200, 'OK'])
    expect(answer.headers['content-type']).toMatch(/^text\/plain/)
  })

  it.each(processes)('%s: /ready is JSON that says ready', async (name) => {
    const answer = await untilReady(opsClient(system(), name))
    expect(answer.headers['content-type']).toMatch(/^application\/json/)
    expect(json(answer)).toMatchObject({ status: 'ready' })
  })

  it('gateway: /ready has the state of each dependency by name', async () => {
    const report = json(await untilReady(system().client)) as {
      dependencies: Record<string, { state: string }>
    }
    expect(Object.keys(report.dependencies).sort()).toEqual(['dedup', 'scoring', 'store', 'verifier', 'wal'])
    for (const { state } of Object.values(report.dependencies)) expect(state).toBe('up')
  })

  it.each(processes)("%s: /metrics has the process's defaults", async (name) => {
    const metrics = await metricsOfProcess(system(), name)
    expect(metrics.value('process_resident_memory_bytes')).toBeGreaterThan(10_000_000)
    expect(metrics.has('nodejs_eventloop_lag_seconds')).toBe(true)
  })

  it('the gateway has the metrics that others rely on, from the first moment', async () => {
    const { client, records } = system()
    const metrics = await metricsOfProcess(system(), 'gateway')
    for (const name of [
      'flk_ingest_total',
      'flk_dedup_hits',
      'flk_accepted',
      'flk_escalated',
      'flk_signature_err',
      'flk_wal_errors',
      'flk_dedup_conflicts',
      'flk_rate_limited',
    ]) {
      expect(metrics.has(name), name).toBe(true)
    }
    await client.submit(textOf(records.next()))
    const after = await metricsOfProcess(system(), 'gateway')
    expect(after.labelNames('http_requests_total')).toEqual(['code', 'method', 'route'])
    expect(after.value('http_requests_total', { method: 'POST', route: '/v1/pcs/submit', code: '200' })).toBe(
      1,
    )
    expect(after.value('http_request_duration_seconds_count')).toBeGreaterThan(0)
    expect(after.has('http_request_duration_seconds_bucket')).toBe(true)
  })

  it('the label route is never made of what somebody asks for', async () => {
    const { client } = system()
    for (const path of ['/surprise', '/v1/pcs/submit/extra', `/v1/pcs/${'a'.repeat(64)}`, '/%22%7D'])
      await client.get(path)
    const text = (await client.get('/metrics')).body.toString()
    expect(text).not.toMatch(/surprise|extra|aaaaaaaa|%22/)
  })

  it('wal and dedup have theirs', async () => {
    const { client, records } = system()
    await client.submit(textOf(records.next()))
    const wal = await metricsOfProcess(system(), 'wal')
    expect(wal.value('wal_fsync_duration_seconds_count')).toBeGreaterThan(0)
    expect(wal.has('wal_fsync_duration_seconds_bucket')).toBe(true)
    for (const name of ['wal_pending_records', 'wal_torn_tails_total', 'wal_quarantined_segments']) {
      expect(wal.has(name), name).toBe(true)
      expect(wal.value(name), name).toBe(0)
    }
    const dedup = await metricsOfProcess(system(), 'dedup')
    expect(dedup.value('dedup_operation_duration_seconds_count', { backend: 'memory' })).toBeGreaterThan(0)
    expect(dedup.labelNames('dedup_operation_duration_seconds_count')).toEqual(['backend', 'operation'])
  })

  it('the flk_ counters are the gateway’s alone', async () => {
    for (const name of processes.filter((process) => process !== 'gateway')) {
      expect((await opsClient(system(), name).get('/metrics')).body.toString()).not.toContain('flk_')
    }
  })

  it('/openapi.json describes the submission, /docs and / are pages', async () => {
    const { client } = system()
    const api = json(await client.get('/openapi.json')) as { openapi: string; paths: Record<string, object> }
    expect(api.openapi).toMatch(/^3\./)
    expect(Object.keys(api.paths)).toEqual(expect.arrayContaining(['/v1/pcs/submit', '/v1/pcs/{pcs_id}']))
    for (const path of ['/', '/docs']) {
      const page = await client.get(path, { accept: 'text/html' })
      expect([page.status, page.headers['content-type']?.split(';')[0]]).toEqual([200, 'text/html'])
      expect(page.body.toString()).toMatch(/<title>\S/)
    }
  })

  it('the type of each problem leads to its explanation', async () => {
    const { client } = system()
    const { type } = json(await client.submit('')) as { type: string }
    const page = await client.get(new URL(type, client.baseUrl).pathname, { accept: 'text/html' })
    expect([page.status, page.headers['content-type']?.split(';')[0]]).toEqual([200, 'text/html'])
  })
})

describe('with METRICS_USER and METRICS_PASS', () => {
  const system = useSystemInProcess('metrics-auth', {
    env: { METRICS_USER: 'scraper', METRICS_PASS: 'p:ä"ss' },
  })
  const basic = (text: string): { authorization: string } => ({
    authorization: `Basic ${Buffer.from(text).toString('base64')}`,
  })

  it.each(processes)('%s: /metrics asks for them', async (name) => {
    const client = opsClient(system(), name)
    for (const headers of [
      {},
      basic('scraper:'),
      basic('scraper:p'),
      basic('Scraper:p:ä"ss'),
      { authorization: 'x' },
    ]) {
      const refused = await client.get('/metrics', headers)
      expect(refused.status).toBe(401)
      expect(refused.headers['www-authenticate']).toMatch(/^Basic realm=/)
      expect(refused.body.toString()).not.toContain('process_')
    }
    const shown = await client.get('/metrics', basic('scraper:p:ä"ss'))
    expect(shown.status).toBe(200)
    expect(shown.body.toString()).toContain('process_cpu_seconds_total')
  })

  it.each(processes)('%s: /health and /ready ask nobody', async (name) => {
    const client = opsClient(system(), name)
    expect((await client.get('/health')).status).toBe(200)
    await untilReady(client)
  })
})
