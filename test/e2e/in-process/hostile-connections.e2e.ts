import { request } from 'node:http'
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2'
import { connect as connectTcp } from 'node:net'
import { ingest } from '@fractal-lba/proto'
import { status as Grpc } from '@grpc/grpc-js'
import { describe, expect, it, onTestFinished } from 'vitest'
import { metricsOf } from '../../src/metrics.js'
import { textOf } from '../../src/records.js'
import { addressOf, useSystemInProcess } from '../../src/system.js'

const CONNECTIONS_MAX = 12
const STREAMS_MAX = 128
const BODY_TIMEOUT_MS = 500
const system = useSystemInProcess('hostile-connections', {
  env: { BODY_TIMEOUT: `${BODY_TIMEOUT_MS}ms`, CONNECTIONS_MAX: `${CONNECTIONS_MAX}` },
})
const PATIENCE_MS = 10_000

function session(): ClientHttp2Session {
  const opened = connect(`http://${addressOf(system().site, 'gateway')}`)
  opened.on('error', () => undefined)
  onTestFinished(() => opened.destroy())
  return opened
}

/** A call that sends these bytes and never ends. */
function unfinished(on: ClientHttp2Session, bytes = Buffer.from([0, 0, 0])) {
  const stream: ClientHttp2Stream = on.request({
    ':method': 'POST',
    ':path': ingest.IngestServiceService.submit.path,
    'content-type': 'application/grpc',
    te: 'trailers',
  })
  stream.on('error', () => undefined)
  stream.resume()
  stream.write(bytes)
  const status = new Promise<number | undefined>((resolve) => {
    const read = (headers: Record<string, unknown>): void => {
      if (headers['grpc-status'] !== undefined) resolve(Number(headers['grpc-status']))
    }
    stream.on('response', read)
    stream.on('trailers', read)
    stream.on('close', () => resolve(undefined))
  })
  const closed = new Promise<boolean>((resolve) => stream.on('close', () => resolve(true)))
  return { status, closed }
}

const within = <T>(work: Promise<T>, ms: number): Promise<T | 'late'> =>
  Promise.race([work, new Promise<'late'>((resolve) => setTimeout(() => resolve('late'), ms))])

describe('the gRPC port', () => {
  it('ends calls that are not complete in time, and lets go of their streams', async () => {
    const on = session()
    for (const _ of [1, 2]) {
      const calls = Array.from({ length: STREAMS_MAX }, () => unfinished(on))
      const statuses = await within(Promise.all(calls.map(({ status }) => status)), PATIENCE_MS)
      expect(statuses).toEqual(calls.map(() => Grpc.DEADLINE_EXCEEDED))
      expect(await within(Promise.all(calls.map(({ closed }) => closed)), PATIENCE_MS)).not.toBe('late')
    }
  })

  it('takes so many streams on a connection, and so many connections', async () => {
    const sessions = Array.from({ length: CONNECTIONS_MAX + 8 }, session)
    const settled = await Promise.all(
      sessions.map((each) =>
        within(
          new Promise((resolve) => {
            each.once('remoteSettings', ({ maxConcurrentStreams }) => resolve(maxConcurrentStreams))
            each.once('close', () => resolve('closed'))
          }),
          PATIENCE_MS,
        ),
      ),
    )
    const open = settled.filter((each) => each !== 'closed')
    expect(new Set(open)).toEqual(new Set([STREAMS_MAX]))
    expect(open.length).toBeLessThanOrEqual(CONNECTIONS_MAX)
    for (const each of sessions) each.destroy()
    const { client, records } = system()
    expect((await client.submit(textOf(records.next()))).status).toBe(200)
    expect((await metricsOf(client)).value('grpc_connections_dropped_total')).toBeGreaterThan(0)
  })
})

describe('one client', () => {
  it('cannot keep others out by its connections, on either port', async () => {
    const { site, records } = system()
    const [host = '', grpcPort = ''] = addressOf(site, 'gateway').split(':')
    for (const port of [site.port, Number(grpcPort)]) {
      const mine = Array.from({ length: 2 * CONNECTIONS_MAX }, () => connectTcp(port, host))
      onTestFinished(() => mine.forEach((socket) => void socket.destroy()))
      for (const socket of mine) socket.on('error', () => undefined)
      await Promise.all(
        mine.map(
          (socket) => new Promise((resolve) => socket.once('connect', resolve).once('close', resolve)),
        ),
      )
    }
    const body = textOf(records.next())
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const headers = { 'content-type': 'application/json' }
      const options = {
        host,
        port: site.port,
        localAddress: '127.0.0.2',
        path: '/v1/pcs/submit',
        method: 'POST',
        headers,
      }
      request(options, (answer) => resolve(answer.resume().statusCode))
        .on('error', reject)
        .end(body)
    })
    expect(status).toBe(200)
    const other = connect(`http://${addressOf(site, 'gateway')}`, { localAddress: '127.0.0.2' } as object)
    onTestFinished(() => other.destroy())
    const settings = new Promise((resolve, reject) =>
      other.once('remoteSettings', resolve).once('error', reject),
    )
    expect(await within(settings, PATIENCE_MS)).not.toBe('late')
  })
})
