import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { readyStatus } from '@fractal-lba/local'
import { ingest } from '@fractal-lba/proto'
import { Client, credentials, status as grpcStatus, Metadata } from '@grpc/grpc-js'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startAlone, startBranch, untilServing } from '../../src/branch.js'
import { metricsOf } from '../../src/metrics.js'
import { problemOf } from '../../src/problem.js'
import { rawExchange } from '../../src/raw-http.js'
import { textOf, twinOf } from '../../src/records.js'
import { useSystemInProcess } from '../../src/system.js'
import { until } from '../../src/until.js'
import { WalReader } from '../../src/wal-reader.js'

const SIZE_MAX = 64 * 1024
const SUBMIT = '/v1/pcs/submit'
const system = useSystemInProcess('admission')

/** JSON takes white space at its end: the way to any size. */
function padded(text: string, sizeBytes: number): string {
  return text + ' '.repeat(sizeBytes - Buffer.byteLength(text))
}

/** What was done to the log meanwhile. */
async function positionsTaken(during: () => Promise<unknown>): Promise<number> {
  const { wal } = system()
  await wal.untilNothingOpen(30_000)
  const before = (await wal.state()).nextSequence
  await during()
  return (await wal.state()).nextSequence - before
}

describe('size', () => {
  it('64 KiB is taken, one byte more is a 413 and leaves no trace', async () => {
    const { client, records } = system()
    const full = await client.submit(padded(textOf(records.next()), SIZE_MAX))
    expect(full.status).toBe(200)
    const taken = await positionsTaken(async () => {
      problemOf(await client.submit(padded(textOf(records.next()), SIZE_MAX + 1)), 413)
    })
    expect(taken).toBe(0)
  })

  it('a body without a length is measured as it comes', async () => {
    const { client, records } = system()
    const chunked = { 'content-length': undefined, 'transfer-encoding': 'chunked' }
    expect((await client.submit(textOf(records.next()), chunked)).status).toBe(200)
    problemOf(await client.submit(padded(textOf(records.next()), SIZE_MAX + 1), chunked), 413)
  })

  it('a length that is only announced is refused before the body comes', async () => {
    const answer = await rawExchange(
      system().site.port,
      `POST ${SUBMIT} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000000000\r\n\r\n{`,
    )
    expect(answer).toMatch(/^HTTP\/1\.1 413 /)
  })
})

describe('content type', () => {
  it.each([
    'application/json',
    'Application/JSON',
    'application/json; charset=utf-8',
    'application/json;charset="UTF-8"',
    'application/json ; charset=Utf-8',
  ])('%s is taken', async (contentType) => {
    const { client, records } = system()
    const answer = await client.submit(textOf(records.next()), { 'content-type': contentType })
    expect(answer.status, answer.body.toString()).toBe(200)
  })

  it.each([
    undefined,
    '',
    'text/plain',
    'application/xml',
    'application/jsonx',
    'application/problem+json',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/json; charset=iso-8859-1',
    'application/json; charset=utf-16',
    'application/json, text/plain',
  ])('%s is a 415', async (contentType) => {
    const { client, records } = system()
    const taken = await positionsTaken(async () => {
      problemOf(await client.submit(textOf(records.next()), { 'content-type': contentType }), 415)
    })
    expect(taken).toBe(0)
  })

  it.each(['gzip', 'br', 'deflate', 'x-own'])('the encoding %s is a 415', async (encoding) => {
    const { client, records } = system()
    const text = textOf(records.next())
    const body = encoding === 'gzip' ? gzipSync(text) : Buffer.from(text)
    problemOf(await client.submit(body, { 'content-encoding': encoding }), 415)
  })
})

describe('order', () => {
  it('path and method, then type, then size, then rate', async () => {
    const { records } = system()
    const { client } = await startBranch(system(), { gateway: { TOKEN_RATE: '1' } })
    const tooLarge = padded(textOf(records.next()), SIZE_MAX + 1)
    const wrongType = { 'content-type': 'text/plain' }
    const taken = await positionsTaken(async () => {
      problemOf(await client.ask({ method: 'PUT', path: SUBMIT, headers: wrongType, body: tooLarge }), 405)
      problemOf(await client.submit(tooLarge, wrongType), 415)
      problemOf(await client.submit(tooLarge), 413)
    })
    expect(taken).toBe(0)
    // None of these took the one token.
    expect((await client.submit(textOf(records.next()))).status).toBe(200)
  })
})

describe('rate limit', () => {
  it('429 with the seconds from the real state of the bucket; then it goes on', async () => {
    const { records, wal } = system()
    const { client } = await startBranch(system(), { gateway: { TOKEN_RATE: '2' } })
    const startMs = performance.now()
    const answers = await Promise.all(Array.from({ length: 20 }, () => client.submit(textOf(records.next()))))
    const seconds = (performance.now() - startMs) / 1_000
    const refused = answers.filter(({ status }) => status === 429)
    const taken = answers.filter(({ status }) => status === 200)
    expect(refused.length + taken.length).toBe(20)
    // A burst of two, and what comes in while they go by.
    expect(taken.length).toBeGreaterThanOrEqual(2)
    expect(taken.length).toBeLessThanOrEqual(2 + 2 * seconds)
    expect(refused.length).toBeGreaterThan(0)
    for (const answer of refused) {
      problemOf(answer, 429)
      expect(answer.headers['retry-after']).toBe('1')
    }
    await wal.untilNothingOpen(10_000)
    const metrics = await metricsOf(client)
    expect(metrics.value('flk_rate_limited')).toBe(refused.length)
    expect(metrics.value('flk_ingest_total')).toBe(taken.length)
    await sleep(1_000)
    expect((await client.submit(textOf(records.next()))).status).toBe(200)
  })

  it('RateLimit and RateLimit-Policy are on every answer of submit', async () => {
    const { records } = system()
    const { client } = await startBranch(system(), { gateway: { TOKEN_RATE: '6' } })
    const record = records.next()
    const answers = [
      await client.submit(textOf(record)),
      await client.submit(textOf({ ...record, seed: 9 })),
      await client.submit('x'),
      await client.submit(textOf({ ...record, sig: '' })),
      await client.submit(textOf(records.next({ budget: 0.7 }))),
      await client.submit('{}', { 'content-type': 'text/plain' }),
      await client.submit(' '.repeat(SIZE_MAX + 1)),
      ...(await Promise.all(Array.from({ length: 60 }, () => client.submit('y')))),
    ]
    expect(new Set(answers.map(({ status }) => status))).toEqual(
      new Set([200, 409, 400, 401, 202, 415, 413, 429]),
    )
    for (const { headers, status } of answers) {
      expect(headers['ratelimit-policy'], String(status)).toMatch(/^"[a-z]+";q=6;w=1$/)
      expect(headers.ratelimit, String(status)).toMatch(/^"[a-z]+";r=[0-6];t=[01]$/)
    }
    const { client: lonely } = await startBranch(system(), {
      gateway: { TOKEN_RATE: '6', VERIFIER_ADDR: '127.0.0.1:9' },
    })
    const unfinished = await lonely.submit(textOf(records.next()))
    expect([unfinished.status, unfinished.headers['ratelimit-policy']]).toEqual([
      503,
      expect.stringMatching(/;q=6;w=1$/),
    ])
  })

  it('one client that sends too much takes nothing from another, over both fronts', async () => {
    const { records } = system()
    const { client, grpcAddress } = await startBranch(system(), {
      gateway: { CLIENT_RATE: '2', TRUSTED_PROXIES: '127.0.0.1' },
    })
    const from = (address: string) =>
      client.submit(textOf(records.next()), { 'x-forwarded-for': `203.0.113.9, ${address}` })
    const statuses = async (address: string, count: number) =>
      (await Promise.all(Array.from({ length: count }, () => from(address)))).map(({ status }) => status)
    expect((await statuses('198.51.100.1', 30)).filter((status) => status === 429).length).toBeGreaterThan(10)
    expect(await statuses('198.51.100.2', 2)).toEqual([200, 200])
    const refused = (await Promise.all(Array.from({ length: 5 }, () => from('198.51.100.3')))).at(-1)
    expect(refused && problemOf(refused, 429)).toBeTruthy()
    expect(refused?.headers['retry-after']).toBe('1')

    const grpc = new ingest.IngestServiceClient(grpcAddress, credentials.createInsecure())
    onTestFinished(() => grpc.close())
    const codeFrom = (address: string): Promise<number> =>
      new Promise((resolve) => {
        const metadata = new Metadata()
        metadata.set('x-forwarded-for', address)
        grpc.submit({ record: undefined }, metadata, (error) => resolve(error?.code ?? grpcStatus.OK))
      })
    const codes = await Promise.all(Array.from({ length: 30 }, () => codeFrom('198.51.100.4')))
    expect(codes.filter((code) => code === grpcStatus.RESOURCE_EXHAUSTED).length).toBeGreaterThan(10)
    expect(await codeFrom('198.51.100.5')).toBe(grpcStatus.INVALID_ARGUMENT)
  })

  it('what is refused unread counts too, and then nothing more is read, over both fronts', async () => {
    const { records } = system()
    const { client, grpcAddress } = await startBranch(system(), {
      gateway: { CLIENT_BYTES_RATE: '70000', TRUSTED_PROXIES: '127.0.0.1' },
    })
    const port = Number(new URL(client.baseUrl).port)
    const head = (address: string, length: string): string =>
      `POST ${SUBMIT} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nX-Forwarded-For: ${address}\r\n${length}\r\n\r\n`
    const chunks = `${head('198.51.100.6', 'Transfer-Encoding: chunked')}${'1\r\nx\r\n'.repeat(1_000)}`
    expect(await rawExchange(port, chunks)).toMatch(/^HTTP\/1\.1 413 /)
    // No byte of its body comes, and none is waited for.
    const ahead = await rawExchange(port, head('198.51.100.6', 'Content-Length: 60000\r\nConnection: close'))
    expect(ahead).toMatch(/^HTTP\/1\.1 429 .*\r\nRetry-After: 1\r\n/s)
    const other = { 'x-forwarded-for': '198.51.100.7' }
    expect((await client.submit(textOf(records.next()), other)).status).toBe(200)

    const grpc = new Client(grpcAddress, credentials.createInsecure())
    onTestFinished(() => grpc.close())
    const send = (address: string, message: Buffer): Promise<number> =>
      new Promise((resolve) => {
        const metadata = new Metadata()
        metadata.set('x-forwarded-for', address)
        const { path } = ingest.IngestServiceService.submit
        const raw = (bytes: Buffer): Buffer => bytes
        grpc.makeUnaryRequest(path, raw, raw, message, metadata, (error) => resolve(error?.code ?? 0))
      })
    const nothing = Buffer.alloc(0)
    expect(await send('198.51.100.8', nothing)).toBe(grpcStatus.INVALID_ARGUMENT)
    expect(await send('198.51.100.8', Buffer.alloc(200_000, 0x0a))).toBe(grpcStatus.RESOURCE_EXHAUSTED)
    expect(await send('198.51.100.8', nothing)).toBe(grpcStatus.RESOURCE_EXHAUSTED)
    expect(await send('198.51.100.9', nothing)).toBe(grpcStatus.INVALID_ARGUMENT)
  })

  it('the default is 1000 and 0 is off', async () => {
    const { client, records } = system()
    expect((await client.submit(textOf(records.next()))).headers).not.toHaveProperty('retry-after')
    const branch = await startBranch(system(), { gateway: { TOKEN_RATE: undefined } })
    const { headers } = await branch.client.submit(textOf(records.next()))
    expect(headers['ratelimit-policy']).toMatch(/;q=1000;w=1$/)
  })
})

describe('time', () => {
  it('408: a body that is not completed', async () => {
    const { client } = await startBranch(system(), {
      gateway: { BODY_TIMEOUT: '2s', HEADERS_TIMEOUT: '2s' },
    })
    const { port } = new URL(client.baseUrl)
    const taken = await positionsTaken(async () => {
      const answer = await rawExchange(
        Number(port),
        `POST ${SUBMIT} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"a":`,
      )
      expect(answer).toMatch(/^HTTP\/1\.1 408 /)
      expect(answer.toLowerCase()).toContain('\r\ncontent-type: application/problem+json')
      expect(answer).toContain('"status":408')
    })
    expect(taken).toBe(0)
  })

  it('408: headers that are not completed', async () => {
    const { client } = await startBranch(system(), { gateway: { HEADERS_TIMEOUT: '2s' } })
    const answer = await rawExchange(
      Number(new URL(client.baseUrl).port),
      `POST ${SUBMIT} HTTP/1.1\r\nHost: x\r\nCont`,
    )
    expect(answer).toMatch(/^HTTP\/1\.1 408 /)
  })
})

describe('room', () => {
  it('a full disk refuses before the log is written; the gateway says so', async () => {
    const { records } = system()
    const directory = `${system().site.dataDir}/small-wal`
    const port = system().site.port + 6
    const full = startAlone('wal', {
      GRPC_ADDR: `127.0.0.1:${port}`,
      METRICS_ADDR: `127.0.0.1:${port + 1000}`,
      WAL_DIR: directory,
      WAL_DISK_LOW: '1000Ti',
    })
    await untilServing(full)
    const wal = new WalReader(`127.0.0.1:${port}`)
    const { client } = await startBranch(system(), { gateway: { WAL_ADDR: `127.0.0.1:${port}` } })
    const before = (await wal.state()).nextSequence
    const answer = await client.submit(textOf(records.next()))
    expect(problemOf(answer, 503).detail).toMatch(/disk/)
    expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(5)
    expect((await wal.state()).nextSequence).toBe(before)
    wal.close()
    await until('/ready says so', 10_000, async () => {
      const ready = await client.get('/ready')
      return ready.status === 503 && /disk/.test(ready.body.toString())
    })
    expect((await client.get('/health')).status).toBe(200)
  })
})

describe('a full memory store', () => {
  const small = useSystemInProcess('memory-full', { env: { DEDUP_MEMORY_MAX: '3' } })

  it('is a 503 for a new id, decided by the put; what is stored is answered as ever', async () => {
    const { client, records, wal } = small()
    const stored = Array.from({ length: 3 }, () => records.next())
    const bodies: Buffer[] = []
    for (const record of stored) {
      const answer = await client.submit(textOf(record))
      expect(answer.status).toBe(200)
      bodies.push(answer.body)
    }
    const before = (await wal.state()).openCount
    const refusal = await client.submit(textOf(records.next()))
    expect((await wal.state()).openCount).toBe(before + 1)
    expect(problemOf(refusal, 503).detail).toMatch(/DEDUP_BACKEND|DEDUP_MEMORY_MAX/)
    expect(problemOf(refusal, 503).detail).toMatch(/redis|postgres/)
    expect(Number(refusal.headers['retry-after'])).toBeGreaterThanOrEqual(5)
    for (const [index, record] of stored.entries()) {
      expect((await client.outcome(record.pcs_id)).body).toEqual(bodies[index])
      const duplicate = await client.submit(textOf(record))
      expect([duplicate.status, duplicate.headers['idempotent-replayed']]).toEqual([200, 'true'])
      expect(duplicate.body).toEqual(bodies[index])
      problemOf(await client.submit(textOf(twinOf(record))), 409)
    }
    await until('/ready says so', 10_000, async () => {
      return (await readyStatus(client.baseUrl)) === 'degraded'
    })
  })
})
