import { renderOutcome } from '@fractal-lba/pcs'
import { AppError, unavailable } from '@fractal-lba/runtime'
import { afterEach, describe, expect, it } from 'vitest'
import { ask, batch, Connection, requestText } from '../testing/connection.js'
import { ACCEPTED, ACCEPTED_BODY } from '../testing/fake-ingest.js'
import { type HttpSettings, type HttpUnderTest, startHttp } from '../testing/start-http.js'

let http: HttpUnderTest
afterEach(() => http.close())

const start = async (settings?: HttpSettings): Promise<HttpUnderTest> => {
  http = await startHttp(settings)
  return http
}

interface LineAnswer {
  readonly line: number
  readonly status: number
  readonly retry_after?: number
  readonly problem?: { readonly type: string; readonly instance: string; readonly detail: string }
}

const answersOf = (body: string): readonly LineAnswer[] =>
  body === ''
    ? []
    : body
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as LineAnswer)
const briefly = (body: string) => answersOf(body).map(({ line, status }) => `${line} ${status}`)

/** As what a batch does with each of its lines is decided by its text. */
const byText = (raw: Buffer) => {
  const text = raw.toString()
  const outcome = { ...ACCEPTED.outcome, accepted: false, escalated: true, reason: 'r_out_of_bounds' }
  if (text === 'bad') return Promise.reject(new AppError('malformed', 'no JSON'))
  if (text === 'forged') return Promise.reject(new AppError('unauthenticated', 'no key'))
  if (text === 'twin') return Promise.reject(new AppError('pcs_conflict', 'another content'))
  if (text === 'down') return Promise.reject(unavailable('the log is away'))
  if (text === 'broken') return Promise.reject(new Error('secret'))
  if (text === 'odd') return Promise.resolve({ status: 202 as const, outcome, replayed: true })
  return Promise.resolve(ACCEPTED)
}

const PATH = '/v1/pcs/batch'
const NDJSON = { 'Content-Type': 'application/x-ndjson' }
const CHUNKED = { ...NDJSON, 'Transfer-Encoding': 'chunked' }
const chunk = (text: string) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`

describe('POST /v1/pcs/batch', () => {
  it('hands each line on as it came, and answers each with what submit would have', async () => {
    const { port, ingest } = await start()
    ingest.answer = byText
    const { status, headers, body } = await ask(
      port,
      batch('{"ä": 1}  \r\nbad\n\nforged\ntwin\ndown\nbroken\nodd\n{}', { 'X-Request-Id': 'mine' }),
    )
    expect(status).toBe(200)
    expect(headers.get('content-type')).toBe('application/x-ndjson')
    expect(headers.get('x-request-id')).toBe('mine')
    expect(ingest.submissions.map(({ raw }) => raw.toString())).toEqual([
      ...['{"ä": 1}  ', 'bad', 'forged', 'twin', 'down', 'broken', 'odd', '{}'],
    ])
    expect(briefly(body)).toEqual(['1 200', '2 400', '4 401', '5 409', '6 503', '7 500', '8 202', '9 200'])
    const lines = body.split('\n')
    expect(lines[0]).toBe(`{"line":1,"status":200,"replayed":false,"outcome":${ACCEPTED_BODY}}`)
    const { outcome } = await byText(Buffer.from('odd'))
    expect(lines[6]).toBe(`{"line":8,"status":202,"replayed":true,"outcome":${renderOutcome(outcome)}}`)
    const [, malformed, , , down, broken] = answersOf(body)
    expect(malformed?.problem).toEqual({
      ...{ type: '/problems/malformed', title: expect.any(String), status: 400 },
      ...{ detail: 'no JSON', instance: 'mine' },
    })
    expect(malformed).not.toHaveProperty('retry_after')
    expect(down?.retry_after).toBeGreaterThanOrEqual(5)
    expect(broken?.problem?.detail).not.toContain('secret')
  })

  it('answers in the order of the lines, whatever is done first', async () => {
    const { port, ingest } = await start()
    const waits: (() => void)[] = []
    ingest.answer = () => new Promise((resolve) => waits.push(() => resolve(ACCEPTED)))
    const connection = await Connection.open(port)
    connection.send(batch('1\n2\n3'))
    while (waits.length < 3) await new Promise((resolve) => setImmediate(resolve))
    for (const finish of waits.reverse()) finish()
    expect(briefly((await connection.response()).body)).toEqual(['1 200', '2 200', '3 200'])
    // The connection is as good as before.
    expect((await connection.send(requestText('GET', '/health')).response()).body).toBe('OK')
    connection.destroy()
  })

  it('streams: what is done is answered before the rest', async () => {
    const { port, ingest } = await start()
    let finish = (): void => undefined
    ingest.answer = (raw) =>
      raw.toString() === 'last' ? new Promise((resolve) => (finish = () => resolve(ACCEPTED))) : byText(raw)
    const connection = await Connection.open(port)
    connection.send(batch('first\nlast'))
    while (!connection.rest.includes('"line":1')) await new Promise((resolve) => setImmediate(resolve))
    expect(connection.rest).not.toContain('"line":2')
    finish()
    expect(briefly((await connection.response()).body)).toEqual(['1 200', '2 200'])
    connection.destroy()
  })

  it('has at most 128 lines under way', async () => {
    const { port, ingest } = await start()
    const waits: (() => void)[] = []
    let most = 0
    let underWay = 0
    ingest.answer = () => {
      underWay += 1
      most = Math.max(most, underWay)
      return new Promise((resolve) => {
        waits.push(() => {
          underWay -= 1
          resolve(ACCEPTED)
        })
      })
    }
    const timer = setInterval(
      () =>
        waits
          .splice(0)
          .reverse()
          .forEach((finish) => void finish()),
      1,
    )
    const { body } = await ask(port, batch('{}\n'.repeat(1_000)))
    clearInterval(timer)
    expect(briefly(body)).toEqual(Array.from({ length: 1_000 }, (_, index) => `${index + 1} 200`))
    expect(most).toBe(128)
  })

  it('gives each line the trace context of the request', async () => {
    const { port, ingest } = await start()
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    await ask(port, batch('{}\n{}', { traceparent }))
    expect(ingest.submissions.map((given) => given.traceparent)).toEqual([traceparent, traceparent])
  })

  it.each([
    { name: 'nothing', text: batch('') },
    { name: 'nothing in chunks', text: requestText('POST', PATH, CHUNKED, '0\r\n\r\n') },
    { name: 'empty lines', text: batch('\n\r\n\n') },
  ])('$name is a 400', async ({ text }) => {
    const { port } = await start()
    const { status, body } = await ask(port, text)
    expect([status, JSON.parse(body).type]).toEqual([400, '/problems/malformed'])
  })

  it('takes a batch that comes in many pieces', async () => {
    const { port, ingest } = await start()
    const connection = await Connection.open(port)
    connection.send(requestText('POST', PATH, CHUNKED))
    for (const piece of ['{"a"', ':1}', '\n{"b":2', '}\r', '\n', '3']) connection.send(chunk(piece))
    expect(briefly((await connection.send('0\r\n\r\n').response()).body)).toEqual(['1 200', '2 200', '3 200'])
    expect(ingest.submissions.map(({ raw }) => raw.toString())).toEqual(['{"a":1}', '{"b":2}', '3'])
    connection.destroy()
  })
})

describe('what of a batch is not let in', () => {
  const line = `${'x'.repeat(65_536)}\n`
  const refused: readonly { name: string; status: number; text: string }[] = [
    {
      name: 'no content type',
      status: 415,
      text: requestText('POST', PATH, { 'Content-Length': '2' }, '{}'),
    },
    { name: 'JSON', status: 415, text: batch('{}', { 'Content-Type': 'application/json' }) },
    {
      name: 'latin1',
      status: 415,
      text: batch('{}', { 'Content-Type': 'application/x-ndjson; charset=latin1' }),
    },
    { name: 'gzip', status: 415, text: batch('{}', { 'Content-Encoding': 'gzip' }) },
    { name: '1,001 lines', status: 413, text: batch('\n'.repeat(1_001)) },
    { name: 'over 4 MiB by its length', status: 413, text: batch(line.repeat(64)) },
    {
      name: 'over 4 MiB in chunks',
      status: 413,
      text: requestText('POST', PATH, CHUNKED, `${chunk(line).repeat(64)}0\r\n\r\n`),
    },
  ]
  it.each(refused)('$name: $status for the whole, nothing is taken', async ({ status, text }) => {
    const { port, ingest, refusals } = await start({ tokensPerSecond: 1, nowMs: () => 0 })
    const { headers, ...answer } = await ask(port, text)
    expect(answer.status).toBe(status)
    expect(headers.get('content-type')).toBe('application/problem+json')
    expect(headers.get('ratelimit')).toBe('"default";r=1;t=0')
    expect([ingest.submissions.length, refusals()]).toEqual([0, 0])
  })

  it('takes UTF-8 said aloud, and 4 MiB', async () => {
    const { port } = await start()
    const type = { 'Content-Type': 'Application/X-NDJSON; charset="utf-8"' }
    expect((await ask(port, batch('{}', type))).status).toBe(200)
    const largest = `${'x'.repeat(65_535)}\n`.repeat(64)
    expect(briefly((await ask(port, batch(largest))).body)).toHaveLength(64)
  })

  it('a line over the limit is a 413 line: no token, no append', async () => {
    const { port, ingest } = await start({ tokensPerSecond: 2, nowMs: () => 0 })
    const { headers, body } = await ask(port, batch(`x${line}{}\n${line}x${line}`))
    expect(briefly(body)).toEqual(['1 413', '2 200', '3 200', '4 413'])
    expect(ingest.submissions).toHaveLength(2)
    expect(headers.get('ratelimit')).toBe('"default";r=0;t=1')
  })

  it('a line without a token is a 429 line that is not appended, and the fields show what is left', async () => {
    const { port, ingest, refusals } = await start({ tokensPerSecond: 3, nowMs: () => 0 })
    const { status, headers, body } = await ask(port, batch('{}\n\n{}\n{}\n{}\n{}'))
    expect(status).toBe(200)
    expect(briefly(body)).toEqual(['1 200', '3 200', '4 200', '5 429', '6 429'])
    expect(answersOf(body)[3]).toMatchObject({ retry_after: 1, problem: { type: '/problems/rate-limited' } })
    expect(headers.get('ratelimit')).toBe('"default";r=0;t=1')
    expect([ingest.submissions.length, refusals()]).toEqual([3, 2])
    const whole = await ask(port, batch('{}\n{}'))
    expect([whole.status, whole.headers.get('retry-after')]).toEqual([429, '1'])
    expect([ingest.submissions.length, refusals()]).toEqual([3, 3])
  })

  it('without room for a record the whole is a 503', async () => {
    const { port, ingest } = await start({ room: () => unavailable('the disk is full') })
    const { status, headers } = await ask(port, batch('{}\n{}'))
    expect([status, Number(headers.get('retry-after')) >= 5]).toEqual([503, true])
    expect(ingest.submissions).toEqual([])
  })

  it('bytes of all batches are bounded while they are in hand, and given back', async () => {
    const bytesInFlightMax = 100_000
    const { port, ingest } = await start({ limits: { batch: { bodyTimeoutMs: 5_000, bytesInFlightMax } } })
    let finish = (): void => undefined
    ingest.answer = () => new Promise((resolve) => (finish = () => resolve(ACCEPTED)))
    const holder = await Connection.open(port)
    holder.send(batch('x'.repeat(60_000)))
    while (ingest.submissions.length < 1) await new Promise((resolve) => setImmediate(resolve))
    const declared = await ask(port, batch('y'.repeat(60_000)))
    expect([declared.status, declared.headers.has('retry-after')]).toEqual([503, true])
    // One that goes away in the middle gives back what has come of it.
    const gone = await Connection.open(port)
    gone.send(batch('z'.repeat(40_000)).slice(0, -1))
    finish()
    expect((await holder.response()).status).toBe(200)
    gone.destroy()
    ingest.answer = async () => ACCEPTED
    await expect
      .poll(async () => (await ask(port, batch(`${'y'.repeat(60_000)}\n${'x'.repeat(39_999)}`))).status)
      .toBe(200)
    holder.destroy()
  })

  it('a body that does not end is a 408 after the time of batches, and nothing is taken', async () => {
    const batchLimits = { bodyTimeoutMs: 200, bytesInFlightMax: 2 ** 20 }
    const { port, ingest } = await start({ limits: { bodyTimeoutMs: 60_000, batch: batchLimits } })
    const connection = await Connection.open(port)
    const { status } = await connection.send(batch('{}\n{}').slice(0, -1)).response()
    expect(status).toBe(408)
    connection.destroy()
    expect(ingest.submissions).toEqual([])
  })

  it('a client that goes away in the middle of its body has handed in nothing', async () => {
    const { port, ingest } = await start()
    const connection = await Connection.open(port)
    connection.send(batch('{}\n{}').slice(0, -1))
    connection.finish()
    await connection.end
    expect(ingest.submissions).toEqual([])
  })
})

describe('a client that does not read', () => {
  it('holds lines back, and is no harm when it goes', async () => {
    const { port, ingest } = await start()
    const message = 'x'.repeat(60_000)
    ingest.answer = async () => ({ ...ACCEPTED, outcome: { ...ACCEPTED.outcome, message } })
    const connection = await Connection.open(port, { reads: false })
    connection.send(batch('{}\n'.repeat(1_000)))
    await expect.poll(() => ingest.submissions.length, { timeout: 5_000 }).toBeGreaterThan(0)
    let before = -1
    while (before !== ingest.submissions.length) {
      before = ingest.submissions.length
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    expect(before).toBeLessThan(600)
    connection.destroy()
    expect((await ask(port, batch('{}'))).status).toBe(200)
    expect(ingest.submissions.length).toBeLessThan(600)
  })
})

it('counts each line by itself, and the whole that was refused once', async () => {
  const { port, ingest, registry } = await start()
  ingest.answer = byText
  await ask(port, batch('{}\nbad\n{}'))
  await ask(port, batch('{}', { 'Content-Encoding': 'gzip' }))
  const metrics = await registry.metrics()
  const counted = [...metrics.matchAll(/^flk_submissions_total\{front="batch",code="(\d+)"\} ([1-9]\d*)$/gm)]
  expect(counted.map(([, code, count]) => `${code} ${count}`)).toEqual(['200 2', '400 1', '415 1'])
  expect(metrics).toContain('flk_submission_duration_seconds_count{front="batch"} 3')
  expect(metrics).toContain('http_requests_total{method="POST",route="/v1/pcs/batch",code="200"} 1')
})
