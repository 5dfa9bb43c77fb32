import { AppError, type ErrorCode, unavailable } from '@fractal-lba/runtime'
import { afterEach, describe, expect, it } from 'vitest'
import { ask, Connection, requestText, submission } from './testing/connection.js'
import { ACCEPTED, ACCEPTED_BODY } from './testing/fake-ingest.js'
import { type HttpSettings, type HttpUnderTest, startHttp } from './testing/start-http.js'

let http: HttpUnderTest
afterEach(() => http.close())

const start = async (settings?: HttpSettings): Promise<HttpUnderTest> => {
  http = await startHttp(settings)
  return http
}

describe('POST /v1/pcs/submit', () => {
  it('hands the bytes on as they came and answers the outcome', async () => {
    const { port, ingest } = await start()
    const response = await ask(port, submission('{"ä": [1,\r\n 2]}  '))
    expect(ingest.submissions.map(({ raw }) => raw.toString())).toEqual(['{"ä": [1,\r\n 2]}  '])
    expect(response.status).toBe(200)
    expect(response.body).toBe(ACCEPTED_BODY)
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(response.headers.get('x-content-type-options')).toBe('nosniff')
    expect(response.headers.get('x-request-id')).toMatch(/^[A-Za-z0-9-]{1,64}$/)
    expect(response.headers.has('idempotent-replayed')).toBe(false)
    expect(response.headers.has('x-powered-by') || response.headers.has('server')).toBe(false)
  })

  it('a stored outcome has its status and says that it was stored', async () => {
    const { port, ingest } = await start()
    const outcome = { ...ACCEPTED.outcome, accepted: false, escalated: true, reason: 'r_out_of_bounds' }
    ingest.answer = async () => ({ status: 202, outcome, replayed: true })
    const response = await ask(port, submission('{}'))
    expect(response.status).toBe(202)
    expect(JSON.parse(response.body)).toMatchObject({ accepted: false, reason: 'r_out_of_bounds' })
    expect(response.headers.get('idempotent-replayed')).toBe('true')
  })

  it('the path may be followed by a query, and may stand in absolute form', async () => {
    const { port, ingest } = await start()
    const headers = { 'Content-Type': 'application/json', 'Content-Length': '2' }
    for (const path of ['/v1/pcs/submit?a=1', '/v1/pcs/submit?', 'http://elsewhere:1/v1/pcs/submit']) {
      expect((await ask(port, requestText('POST', path, headers, '{}'))).status).toBe(200)
    }
    expect(ingest.submissions).toHaveLength(3)
  })

  it.each([
    { name: 'Content-Length: 0', headers: { 'Content-Length': '0' } },
    { name: 'no length at all', headers: {} },
    { name: 'an empty chunked body', headers: { 'Transfer-Encoding': 'chunked' }, body: '0\r\n\r\n' },
  ])('an empty body goes on too: $name', async ({ headers, body }) => {
    const { port, ingest } = await start()
    const text = requestText(
      'POST',
      '/v1/pcs/submit',
      { 'Content-Type': 'application/json', ...headers },
      body,
    )
    expect((await ask(port, text)).status).toBe(200)
    expect(ingest.submissions.map(({ raw }) => raw.length)).toEqual([0])
  })

  it('a body in many pieces, chunked or not, arrives whole', async () => {
    const { port, ingest } = await start()
    const body = `{"x":"${'ü'.repeat(20_000)}"}`
    const bytes = Buffer.from(body)
    const connection = await Connection.open(port)
    const head = { 'Content-Type': 'application/json' }
    connection.send(requestText('POST', '/v1/pcs/submit', { ...head, 'Transfer-Encoding': 'chunked' }))
    for (let at = 0; at < bytes.length; at += 7_001) {
      const piece = bytes.subarray(at, at + 7_001)
      connection
        .send(`${piece.length.toString(16)}\r\n`)
        .send(piece)
        .send('\r\n')
    }
    expect((await connection.send('0\r\n\r\n').response()).status).toBe(200)
    connection.send(
      requestText('POST', '/v1/pcs/submit', { ...head, 'Content-Length': String(bytes.length) }),
    )
    for (let at = 0; at < bytes.length; at += 7_001) connection.send(bytes.subarray(at, at + 7_001))
    expect((await connection.response()).status).toBe(200)
    connection.destroy()
    expect(ingest.submissions.map(({ raw }) => raw.toString())).toEqual([body, body])
  })

  it.each([
    { sent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', taken: true },
    { sent: '00-00000000000000000000000000000000-b7ad6b7169203331-01', taken: false },
    { sent: 'ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', taken: false },
    { sent: 'hello', taken: false },
  ])('trace context $sent is handed on: $taken', async ({ sent, taken }) => {
    const { port, ingest } = await start()
    await ask(port, submission('{}', { traceparent: sent }))
    expect(ingest.submissions[0]?.traceparent).toBe(taken ? sent : '')
  })
})

describe('what the way of the record says no to', () => {
  const rows: readonly { code: ErrorCode; status: number; type: string }[] = [
    { code: 'malformed', status: 400, type: '/problems/malformed' },
    { code: 'unauthenticated', status: 401, type: '/problems/unauthenticated' },
    { code: 'pcs_conflict', status: 409, type: '/problems/pcs-conflict' },
    { code: 'unavailable', status: 503, type: '/problems/unavailable' },
    { code: 'superseded', status: 503, type: '/problems/unavailable' },
  ]
  it.each(rows)('$code is a $status', async ({ code, status, type }) => {
    const { port, ingest } = await start()
    ingest.answer = () => Promise.reject(new AppError(code, 'a sentence'))
    const connection = await Connection.open(port)
    connection.send(submission('{"secret":"payload"}', { 'X-Request-Id': 'my-id' }))
    const response = await connection.response()
    expect(response.status).toBe(status)
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    expect(response.headers.get('x-request-id')).toBe('my-id')
    const problem = JSON.parse(response.body)
    expect(problem).toEqual({
      type,
      title: expect.any(String),
      status,
      detail: 'a sentence',
      instance: 'my-id',
    })
    expect(response.headers.get('www-authenticate')).toBe(
      status === 401 ? 'PCS-Signature realm="pcs"' : undefined,
    )
    expect(response.headers.has('retry-after')).toBe(status === 503)
    // The connection is as good as before.
    expect((await connection.send(requestText('GET', '/health')).response()).body).toBe('OK')
    connection.destroy()
  })

  it('a 400 lists all violations', async () => {
    const { port, ingest } = await start()
    const violations = [
      { pointer: '/N_j/8', detail: 'is missing' },
      { pointer: '', detail: 'x' },
    ]
    ingest.answer = () => Promise.reject(new AppError('malformed', 'two mistakes', { violations }))
    expect(JSON.parse((await ask(port, submission('{}'))).body).errors).toEqual(violations)
  })

  it('what nobody expected is a 500 that tells nothing', async () => {
    const { port, ingest } = await start()
    ingest.answer = () => Promise.reject(new Error('secret: at Object.<anonymous> (/srv/x.js:1:1)'))
    const response = await ask(port, submission('{}'))
    expect(response.status).toBe(500)
    expect(response.body).not.toMatch(/secret|\.js/)
    ingest.submit = () => {
      throw new Error('secret')
    }
    const thrown = await ask(port, submission('{}'))
    expect(thrown.status).toBe(500)
    expect(thrown.headers.get('content-type')).toBe('application/problem+json')
    expect(thrown.body).not.toContain('secret')
  })

  it('Retry-After of a 503 is the configured one with a little on top, differently each time', async () => {
    const { port } = await start({
      room: () => unavailable('the disk is full'),
      limits: { retryAfterMs: 30_000 },
    })
    const told = new Set<number>()
    for (let count = 0; count < 40; count += 1) {
      const response = await ask(port, submission('{}'))
      expect(response.status).toBe(503)
      told.add(Number(response.headers.get('retry-after')))
    }
    expect(Math.min(...told)).toBeGreaterThanOrEqual(30)
    expect(Math.max(...told)).toBeLessThanOrEqual(42)
    expect(told.size).toBeGreaterThan(1)
  })
})

describe('admission', () => {
  const full = { room: () => unavailable('the disk is full') }
  const json = { 'Content-Type': 'application/json' }
  const chunked = { ...json, 'Transfer-Encoding': 'chunked' }
  const large = 'x'.repeat(65_537)
  const path = '/v1/pcs/submit'

  const refused: readonly { name: string; status: number; text: string }[] = [
    {
      name: 'no content type',
      status: 415,
      text: requestText('POST', path, { 'Content-Length': '2' }, '{}'),
    },
    { name: 'no content type, no body', status: 415, text: requestText('POST', path) },
    { name: 'text', status: 415, text: submission('{}', { 'Content-Type': 'text/plain' }) },
    {
      name: 'another charset',
      status: 415,
      text: submission('{}', { 'Content-Type': 'application/json; charset=latin1' }),
    },
    { name: 'not a media type', status: 415, text: submission('{}', { 'Content-Type': ';;;' }) },
    {
      name: 'two content types',
      status: 415,
      text: submission('{}', { 'content-type': 'text/plain' }),
    },
    { name: 'gzip', status: 415, text: submission('{}', { 'Content-Encoding': 'gzip' }) },
    { name: 'two encodings', status: 415, text: submission('{}', { 'Content-Encoding': 'identity, gzip' }) },
    {
      name: 'a transfer coding',
      status: 415,
      text: requestText('POST', path, { ...json, 'Transfer-Encoding': 'gzip, chunked' }, '0\r\n\r\n'),
    },
    { name: 'too large by its length', status: 413, text: submission(large) },
    {
      name: 'too large in one chunk',
      status: 413,
      text: requestText('POST', path, chunked, `10001\r\n${large}\r\n0\r\n\r\n`),
    },
    {
      name: 'a wrong type goes before the size',
      status: 415,
      text: submission(large, { 'Content-Type': 'text/plain' }),
    },
  ]
  it.each(refused)('$name is a $status that leaves no trace, before rate and room', async (row) => {
    const { port, ingest, refusals } = await start({ tokensPerSecond: 1, ...full, nowMs: () => 0 })
    expect((await ask(port, row.text)).status).toBe(row.status)
    expect((await ask(port, row.text)).status).toBe(row.status)
    expect(ingest.submissions).toEqual([])
    expect(refusals()).toBe(0)
  })

  it('takes identity as no encoding, and 65,536 bytes as not too large', async () => {
    const { port, ingest } = await start()
    expect((await ask(port, submission('{}', { 'Content-Encoding': 'Identity' }))).status).toBe(200)
    expect((await ask(port, submission('x'.repeat(65_536)))).status).toBe(200)
    const inChunks = requestText('POST', path, chunked, `10000\r\n${'x'.repeat(65_536)}\r\n0\r\n\r\n`)
    expect((await ask(port, inChunks)).status).toBe(200)
    expect(ingest.submissions.map(({ raw }) => raw.length)).toEqual([2, 65_536, 65_536])
  })

  it('an unnecessary body does not matter elsewhere', async () => {
    const { port } = await start()
    const connection = await Connection.open(port)
    connection.send(requestText('GET', '/health', { 'Content-Length': '5' }, 'GET /'))
    expect((await connection.response()).body).toBe('OK')
    connection.send(requestText('DELETE', '/nothing', { 'Content-Length': '5' }, 'GET /'))
    expect((await connection.response()).status).toBe(404)
    expect((await connection.send(requestText('GET', '/health')).response()).body).toBe('OK')
    connection.destroy()
  })

  it('the rate goes before the room', async () => {
    const { port, ingest, refusals } = await start({ tokensPerSecond: 1, ...full, nowMs: () => 0 })
    expect((await ask(port, submission('{}'))).status).toBe(503)
    expect((await ask(port, submission('{}'))).status).toBe(429)
    expect(ingest.submissions).toEqual([])
    expect(refusals()).toBe(1)
  })

  it('a 429 tells when, from the state of the bucket', async () => {
    const clock = { ms: 0 }
    const { port } = await start({ tokensPerSecond: 0.1, nowMs: () => clock.ms })
    expect((await ask(port, submission('{}'))).status).toBe(200)
    clock.ms += 2_500
    const limited = await ask(port, submission('{}'))
    expect(limited.status).toBe(429)
    expect(limited.headers.get('retry-after')).toBe('8')
    expect(JSON.parse(limited.body).type).toBe('/problems/rate-limited')
    clock.ms += 7_500
    expect((await ask(port, submission('{}'))).status).toBe(200)
  })

  it('every answer to a submission tells the bucket’s state', async () => {
    const { port, ingest } = await start({ tokensPerSecond: 3, nowMs: () => 0 })
    const states: (string | undefined)[] = []
    const texts = [
      submission('{}'),
      submission('{}', { 'Content-Type': 'text/plain' }),
      submission(large),
      submission('{}'),
      submission('{}'),
      submission('{}'),
    ]
    for (const text of texts) {
      if (states.length === 3) ingest.answer = () => Promise.reject(new AppError('malformed', 'bad'))
      const { status, headers } = await ask(port, text)
      expect(headers.get('ratelimit-policy')).toBe('"default";q=3;w=1')
      states.push(`${status} ${headers.get('ratelimit')}`)
    }
    expect(states).toEqual([
      '200 "default";r=2;t=1',
      '415 "default";r=2;t=1',
      '413 "default";r=2;t=1',
      '400 "default";r=1;t=1',
      '400 "default";r=0;t=1',
      '429 "default";r=0;t=1',
    ])
    expect((await ask(port, requestText('GET', path))).headers.has('ratelimit')).toBe(false)
  })

  it('without a rate there is no word of it', async () => {
    const { port } = await start()
    const { headers } = await ask(port, submission('{}'))
    expect(headers.has('ratelimit') || headers.has('ratelimit-policy')).toBe(false)
  })
})
