import { afterEach, describe, expect, it } from 'vitest'
import { ask, Connection, requestText, submission } from './testing/connection.js'
import { type HttpSettings, type HttpUnderTest, startHttp } from './testing/start-http.js'

let http: HttpUnderTest
afterEach(() => http.close())

const start = async (settings?: HttpSettings): Promise<HttpUnderTest> => {
  http = await startHttp(settings)
  return http
}

describe('/health', () => {
  it('is a plain OK', async () => {
    const { port } = await start()
    const { status, body, headers } = await ask(port, requestText('GET', '/health'))
    expect([status, body, headers.get('content-type')]).toEqual([200, 'OK', 'text/plain; charset=utf-8'])
  })
})

describe('/ready', () => {
  it.each([
    { state: 'ready', expected: 200 },
    { state: 'degraded', expected: 200 },
    { state: 'not_ready', expected: 503 },
  ] as const)('$state is a $expected', async ({ state, expected }) => {
    const report = { status: state, dependencies: { wal: { state: 'down' as const, detail: 'gone' } } }
    const { port } = await start({ ready: () => report })
    const { status, body, headers } = await ask(port, requestText('GET', '/ready'))
    expect(status).toBe(expected)
    expect(headers.get('content-type')).toBe('application/json')
    expect(JSON.parse(body)).toEqual(report)
  })
})

describe('/metrics', () => {
  const basic = (text: string) => ({ Authorization: `Basic ${Buffer.from(text).toString('base64')}` })

  it('asks nobody where no user is set', async () => {
    const { port } = await start()
    expect((await ask(port, requestText('GET', '/metrics'))).status).toBe(200)
  })

  it('asks for user and password where they are set', async () => {
    const { port } = await start({ metricsAuth: { user: 'prom', password: 'sésame' } })
    for (const headers of [{}, basic('prom:wrong'), basic('prom'), { Authorization: 'Bearer x' }]) {
      const response = await ask(port, requestText('GET', '/metrics', headers))
      expect(response.status).toBe(401)
      expect(response.headers.get('www-authenticate')).toMatch(/^Basic realm="metrics"/)
      expect(JSON.parse(response.body).type).toBe('/problems/metrics-credentials')
    }
    expect((await ask(port, requestText('GET', '/metrics', basic('prom:sésame')))).status).toBe(200)
  })

  it('counts every answer under labels that no client can make', async () => {
    const { port, registry } = await start({ tokensPerSecond: 1, nowMs: () => 0 })
    const ID = 'a'.repeat(64)
    for (const text of [
      submission('{}'),
      submission('{}'),
      requestText('GET', `/v1/pcs/${ID}`),
      requestText('GET', '/v1/pcs/submit'),
      requestText('GET', '/no/such/path'),
      requestText('GET', '/%zz'),
      requestText('PURGE', '/no/such/path'),
      requestText('GET', '/problems/malformed'),
      'nonsense\r\n\r\n',
      `GET / HTTP/1.1\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`,
    ]) {
      await ask(port, text)
    }
    const connection = await Connection.open(port)
    await connection.send(requestText('HEAD', '/health')).response(true)
    connection.destroy()
    const text = await registry.metrics()
    const counts = [
      ...text.matchAll(/^http_requests_total\{method="(.*)",route="(.*)",code="(.*)"\} (\d+)$/gm),
    ]
    expect(counts.map(([, ...parts]) => parts.join(' ')).sort()).toEqual(
      [
        'POST /v1/pcs/submit 200 1',
        'POST /v1/pcs/submit 429 1',
        'GET /v1/pcs/:pcs_id 200 1',
        'GET /v1/pcs/submit 405 1',
        'GET unmatched 404 2',
        'other unmatched 404 1',
        'GET /problems/:slug 200 1',
        'other unmatched 400 1',
        'other unmatched 431 1',
        'HEAD /health 200 1',
      ].sort(),
    )
    expect(text).toMatch(
      /^http_request_duration_seconds_count\{method="POST",route="\/v1\/pcs\/submit"\} 2$/m,
    )
  })
})
