import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { startInProcess } from '@fractal-lba/constellation'
import { testSite } from '@fractal-lba/local'
import { ingest, wal } from '@fractal-lba/proto'
import { connect, localGrpcAddress, localOpsAddress, parseAddress, serviceNames } from '@fractal-lba/runtime'
import { credentials, status } from '@grpc/grpc-js'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Metrics, metricsOf } from '../../src/metrics.js'
import { retryOf, textOf, twinOf } from '../../src/records.js'
import { addressOf, opsUrlOf, useSystemInProcess } from '../../src/system.js'
import { typed } from '../../src/typed-record.js'
import { unary } from '../../src/unary.js'
import { until } from '../../src/until.js'

const system = useSystemInProcess('in-process')
const START_LIMIT_MS = 60_000

describe(
  'a start that fails halfway',
  () => {
    const taken = [
      ...serviceNames.map((name) => ({
        what: `the gRPC port of ${name}`,
        address: localGrpcAddress(name, 0),
      })),
      { what: 'the HTTP port of wal', address: localOpsAddress('wal', 0) },
      { what: 'the HTTP port of gateway', address: localOpsAddress('gateway', 0) },
    ]
    it.each(taken)('closes what it has opened: $what is taken', async ({ address }) => {
      const site = await testSite('half-started')
      onTestFinished(() => site.dispose())
      const offset = parseAddress(address)?.port ?? 0
      const other = createServer().listen(site.port + offset, '127.0.0.1')
      await once(other, 'listening')
      const fatals: Error[] = []
      const onFatal = (_service: string, error: Error) => fatals.push(error)
      const { port, dataDir } = site
      const options = { ...site.layers(), port, dataDir, onLine: () => undefined, onFatal }
      await expect(startInProcess(options)).rejects.toThrow(/EADDRINUSE/)
      await new Promise((resolve) => other.close(resolve))
      const constellation = await startInProcess(options)
      await constellation.stop()
      expect(fatals).toEqual([])
    })
  },
  START_LIMIT_MS,
)

describe('gateway and services in one process', () => {
  it('judge a record once, over HTTP and gRPC', async () => {
    const { client, records, constellation } = system()
    const record = records.next()
    const first = await client.submit(textOf(record))
    expect([first.status, first.headers['idempotent-replayed']]).toEqual([200, undefined])
    const replayed = await client.submit(textOf(retryOf(record)))
    expect([replayed.status, replayed.headers['idempotent-replayed']]).toEqual([200, 'true'])
    expect(replayed.body.equals(first.body)).toBe(true)
    const conflict = await client.submit(textOf(twinOf(record)))
    expect(conflict.status).toBe(409)

    const grpc = new ingest.IngestServiceClient(constellation.grpcAddress, credentials.createInsecure())
    onTestFinished(() => grpc.close())
    const { result } = await unary(grpc.submit.bind(grpc), { record: typed(record) })
    expect([result?.httpStatus, result?.replayed]).toEqual([200, true])
  })

  it('refuse what is malformed and what nobody known has signed', async () => {
    const { client, records } = system()
    expect((await client.submit('{')).status).toBe(400)
    expect((await client.submit(textOf({ ...records.next(), sig: 'AAAA' }))).status).toBe(401)
  })

  it('serve metrics and a log of their own each', async () => {
    const { client, site, lines } = system()
    expect((await metricsOf(client)).value('flk_accepted')).toBe(1)
    const own = { wal: 'wal_pending_records', dedup: 'dedup_operation_duration_seconds_count' }
    for (const name of serviceNames) {
      const text = await (await fetch(`${opsUrlOf(site, name)}/metrics`)).text()
      const metrics = Metrics.parse(text)
      expect(metrics.has('process_cpu_seconds_total')).toBe(true)
      for (const [owner, metric] of Object.entries(own)) expect(metrics.has(metric)).toBe(name === owner)
      const entries = lines.filter(({ service }) => service === name).map(({ text }) => JSON.parse(text))
      expect(entries).toContainEqual(expect.objectContaining({ service: name, msg: 'started' }))
    }
  })

  it.each(serviceNames)('%s can be started again, on the same data', async (name) => {
    const { client, records, constellation } = system()
    const record = records.next()
    const first = await client.submit(textOf(record))
    expect(first.status).toBe(200)
    await constellation.restart(name)
    // Who called it has to find it again.
    const isJudged = async (): Promise<boolean> =>
      (await client.submit(textOf(records.next())).catch(() => undefined))?.status === 200
    await until('it judges again', 20_000, isJudged)
    const replayed = await client.submit(textOf(record))
    expect([replayed.status, replayed.headers['idempotent-replayed']]).toEqual([200, 'true'])
    expect(replayed.body.equals(first.body)).toBe(true)
  })

  it('answer 503 while one is missing, and finish the record when it is back', async () => {
    const { client, records, constellation, wal } = system()
    await constellation.stopOne('signal-scoring')
    const record = records.next()
    expect((await client.submit(textOf(record))).status).toBe(503)
    await constellation.start('signal-scoring')
    await wal.untilNothingOpen(30_000)
    expect((await client.outcome(record.pcs_id)).status).toBe(200)
  })

  it('say at once that nothing is served without a log, over HTTP and gRPC', async () => {
    const { client, site, constellation, records } = system()
    const health = connect({}, { service: 'gateway', address: addressOf(site, 'gateway') })
    onTestFinished(() => health.close())
    const serving = () => health.isServing(5_000)
    await until('it serves', 20_000, serving)
    await constellation.stopOne('wal')
    expect([(await client.get('/ready')).status, await serving()]).toEqual([503, false])
    await constellation.start('wal')
    await until('it serves again', 20_000, serving)
    await until('it judges again', 20_000, async () => {
      return (await client.submit(textOf(records.next())).catch(() => undefined))?.status === 200
    })
  })
})

describe('with the log in memory', () => {
  const kept = useSystemInProcess('log-in-memory', { log: 'memory' })

  it('judge a record once, and say at the start that nothing survives', async () => {
    const { client, records, lines, walDirectory } = kept()
    const record = records.next()
    const first = await client.submit(textOf(record))
    expect(first.status).toBe(200)
    const replayed = await client.submit(textOf(retryOf(record)))
    expect([replayed.headers['idempotent-replayed'], replayed.body.equals(first.body)]).toEqual([
      'true',
      true,
    ])
    expect((await client.submit(textOf(twinOf(record)))).status).toBe(409)
    expect(existsSync(walDirectory)).toBe(false)
    const warning = 'the log is kept in memory: nothing of it survives this process'
    expect(lines.some(({ service, text }) => service === 'wal' && text.includes(warning))).toBe(true)
  })

  it('cannot compact it', async () => {
    const client = new wal.WalServiceClient(addressOf(kept().site, 'wal'), credentials.createInsecure())
    onTestFinished(() => client.close())
    await expect(unary(client.compact.bind(client), { dryRun: true })).rejects.toMatchObject({
      code: status.UNIMPLEMENTED,
    })
  })
})
