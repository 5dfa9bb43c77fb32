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

const CHUNKED = { 'Content-Type': 'application/json', 'Transfer-Encoding': 'chunked' }
const chunkedHead = requestText('POST', '/v1/pcs/submit', CHUNKED)
const problemType = (body: string): string => JSON.parse(body).type

/** Until then nothing more has come than the answers that were read. */
async function expectEnd(connection: Connection): Promise<void> {
  await connection.end
  expect(connection.rest).toBe('')
  connection.destroy()
}

describe('what is no HTTP', () => {
  it.each([
    { name: 'nonsense', bytes: 'nonsense\r\n\r\n', status: 400 },
    { name: 'a TLS hello', bytes: Buffer.from('16030100c8010000c40303', 'hex'), status: 400 },
    { name: 'an unknown method', bytes: 'BREW /pot HTTP/1.1\r\nHost: x\r\n\r\n', status: 400 },
    { name: 'a relative target', bytes: 'GET relative HTTP/1.1\r\nHost: x\r\n\r\n', status: 400 },
    { name: 'a space before a colon', bytes: 'GET / HTTP/1.1\r\nHost : x\r\n\r\n', status: 400 },
    { name: 'a bare CR in a header', bytes: 'GET / HTTP/1.1\r\nHost: x\r\nA: b\rc\r\n\r\n', status: 400 },
    { name: 'a NUL in a header', bytes: 'GET / HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n', status: 400 },
    {
      name: 'two lengths',
      bytes: requestText('POST', '/v1/pcs/submit', { 'Content-Length': '2', 'content-length': '3' }, '{} '),
      status: 400,
    },
    {
      name: 'a length and chunks',
      bytes: submission('0\r\n\r\n', { 'Transfer-Encoding': 'chunked' }),
      status: 400,
    },
    { name: 'a length that is none', bytes: submission('{}', { 'Content-Length': '2x' }), status: 400 },
    { name: 'a negative length', bytes: submission('{}', { 'Content-Length': '-2' }), status: 400 },
    { name: 'a header of 20 KB', bytes: requestText('GET', '/', { A: 'a'.repeat(20_000) }), status: 431 },
    { name: 'a target of 20 KB', bytes: requestText('GET', `/${'a'.repeat(20_000)}`), status: 431 },
    {
      name: '5,000 headers',
      bytes: `GET / HTTP/1.1\r\nHost: x\r\n${'a:b\r\n'.repeat(5_000)}\r\n`,
      status: 431,
    },
    {
      name: '101 headers',
      bytes: `GET / HTTP/1.1\r\nHost: x\r\n${'a:b\r\n'.repeat(100)}\r\n`,
      status: 431,
    },
  ])('$name is a problem, and the end of the connection', async ({ bytes, status }) => {
    const { port, ingest } = await start()
    const connection = await Connection.open(port)
    const response = await connection.send(bytes).response()
    expect(response.status).toBe(status)
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    expect(response.headers.get('connection')).toBe('close')
    const problem = JSON.parse(response.body)
    expect(problem).toMatchObject({ status, instance: response.headers.get('x-request-id') })
    await expectEnd(connection)
    expect(ingest.submissions).toEqual([])
  })

  it('megabytes may still be sent, by a client that reads no answer before its end', async () => {
    const { port } = await start()
    const connection = await Connection.open(port)
    await connection.sendAll(`GET / HTTP/1.1\r\nHost: x\r\nA: ${'a'.repeat(12 * 2 ** 20)}`)
    expect((await connection.response()).status).toBe(431)
    await expectEnd(connection)
  })

  it('100 headers are fine', async () => {
    const { port } = await start()
    const text = `GET /health HTTP/1.1\r\nHost: x\r\n${'a:b\r\n'.repeat(99)}\r\n`
    expect((await ask(port, text)).body).toBe('OK')
  })

  it('HTTP/1.1 without a host', async () => {
    const { port } = await start()
    const response = await ask(port, 'GET /health HTTP/1.1\r\n\r\n')
    expect(response.status).toBe(400)
    expect(problemType(response.body)).toBe('/problems/not-http')
    expect(response.headers.get('connection')).toBe('close')
  })

  it('HTTP/1.0 needs none, and the connection ends', async () => {
    const { port } = await start()
    const connection = await Connection.open(port)
    expect((await connection.send('GET /health HTTP/1.0\r\n\r\n').response()).body).toBe('OK')
    await expectEnd(connection)
  })

  it('CONNECT is a 405', async () => {
    const { port } = await start()
    const response = await ask(port, requestText('CONNECT', 'elsewhere:443'))
    expect([response.status, response.headers.get('allow')]).toEqual([405, ''])
    expect(problemType(response.body)).toBe('/problems/method-not-allowed')
  })

  it('an upgrade is not taken up', async () => {
    const { port } = await start()
    const upgrade = { Connection: 'Upgrade', Upgrade: 'websocket' }
    expect((await ask(port, requestText('GET', '/health', upgrade))).body).toBe('OK')
  })

  it('a client that goes away in the middle of a body leaves no trace', async () => {
    const { port, ingest } = await start()
    const connection = await Connection.open(port)
    connection.send(submission('{}').slice(0, -1))
    await ask(port, requestText('GET', '/health'))
    connection.destroy()
    expect((await ask(port, submission('[]'))).status).toBe(200)
    expect(ingest.submissions.map(({ raw }) => raw.toString())).toEqual(['[]'])
  })

  it('a body that ends early is a 400', async () => {
    const { port, ingest } = await start()
    const connection = await Connection.open(port)
    const response = await connection.send(submission('{}').slice(0, -1)).finish().response()
    expect([response.status, problemType(response.body)]).toEqual([400, '/problems/not-http'])
    await expectEnd(connection)
    expect(ingest.submissions).toEqual([])
  })

  it('a chunk that is none is a 400 to that request', async () => {
    const { port, ingest } = await start({ tokensPerSecond: 5 })
    const connection = await Connection.open(port)
    connection.send(requestText('POST', '/v1/pcs/submit', { ...CHUNKED, 'X-Request-Id': 'mine' }))
    await ask(port, requestText('GET', '/health'))
    const response = await connection.send('2\r\n{}\r\nxyz\r\n').response()
    expect([response.status, problemType(response.body)]).toEqual([400, '/problems/not-http'])
    expect(response.headers.get('x-request-id')).toBe('mine')
    expect(response.headers.has('ratelimit')).toBe(true)
    await expectEnd(connection)
    expect(ingest.submissions).toEqual([])
  })
})

describe('what is too slow', () => {
  const limits = { headersTimeoutMs: 200, bodyTimeoutMs: 400 }

  it('headers', async () => {
    const { port } = await start({ limits })
    const connection = await Connection.open(port)
    const response = await connection.send('POST /v1/pcs/submit HTTP/1.1\r\nHost: x\r\n').response()
    expect([response.status, problemType(response.body)]).toEqual([408, '/problems/body-timeout'])
    expect(response.headers.get('connection')).toBe('close')
    await expectEnd(connection)
  })

  it.each([
    { name: 'by its length', text: submission('{}').slice(0, -1) },
    { name: 'in chunks', text: `${chunkedHead}1\r\n{\r\n` },
  ])('a body, $name', async ({ text }) => {
    const { port, ingest } = await start({ limits, tokensPerSecond: 5 })
    const connection = await Connection.open(port)
    const response = await connection.send(text).response()
    expect([response.status, problemType(response.body)]).toEqual([408, '/problems/body-timeout'])
    expect(response.headers.get('ratelimit')).toBe('"default";r=5;t=0')
    expect(response.headers.get('connection')).toBe('close')
    await expectEnd(connection)
    expect(ingest.submissions).toEqual([])
  })

  it('a connection on which nothing comes is closed without a word', async () => {
    const { port } = await start({ limits })
    await expectEnd(await Connection.open(port))
  })

  it('an answer that takes longer than a request may is no fault of the client', async () => {
    const { port, ingest } = await start({ limits })
    let finish = (): void => undefined
    ingest.answer = () => new Promise((resolve) => (finish = () => resolve(ACCEPTED)))
    const waiting = ask(port, submission('{}'))
    await expectEnd(await Connection.open(port))
    await expectEnd(await Connection.open(port))
    finish()
    expect((await waiting).status).toBe(200)
  })
})

describe('a refused body', () => {
  it.each([
    { name: 'declared', text: submission('x'.repeat(12 * 2 ** 20)) },
    {
      name: 'in chunks',
      text: `${chunkedHead}${`10000\r\n${'x'.repeat(65_536)}\r\n`.repeat(192)}0\r\n\r\n`,
    },
  ])(
    'a large one may be sent to its end by a client that reads no answer before: $name',
    async ({ text }) => {
      const { port } = await start()
      const connection = await Connection.open(port)
      await connection.sendAll(text)
      const response = await connection.response()
      expect(response.status).toBe(413)
      expect(response.headers.get('connection')).toBe('close')
      await expectEnd(connection)
    },
  )

  it('what comes behind it on the connection is not heard', async () => {
    const { port, ingest } = await start()
    const connection = await Connection.open(port)
    const large = `10001\r\n${'x'.repeat(65_537)}\r\n0\r\n\r\n`
    expect(
      (
        await connection
          .send(chunkedHead + large)
          .send(submission('{}'))
          .response()
      ).status,
    ).toBe(413)
    await expectEnd(connection)
    expect(ingest.submissions).toEqual([])
  })

  it('one without an end is cut', async () => {
    const { port } = await start()
    const connection = await Connection.open(port)
    connection.send(chunkedHead)
    const chunk = `100000\r\n${'x'.repeat(2 ** 20)}\r\n`
    const endless = async (): Promise<void> => {
      for (;;) await connection.sendAll(chunk)
    }
    await expect(endless()).rejects.toThrow(/ECONNRESET|EPIPE|destroyed|ended/)
    connection.destroy()
  })

  it('a small one does not cost the connection', async () => {
    const { port } = await start()
    const connection = await Connection.open(port)
    for (const text of [
      submission('{"a":1}', { 'Content-Type': 'text/plain' }),
      submission('{"a":1}', { 'Content-Encoding': 'gzip' }),
      requestText('PUT', '/v1/pcs/submit', { 'Content-Length': '7' }, '{"a":1}'),
    ]) {
      const response = await connection.send(text).response()
      expect(response.status).toBeGreaterThanOrEqual(400)
      expect(response.headers.get('connection')).toBe('keep-alive')
    }
    expect((await connection.send(submission('{}')).response()).status).toBe(200)
    connection.destroy()
  })
})

describe('Expect: 100-continue', () => {
  const expecting = (length: number, type = 'application/json') =>
    requestText('POST', '/v1/pcs/submit', {
      'Content-Type': type,
      'Content-Length': String(length),
      Expect: '100-Continue',
    })

  it('is told to go on', async () => {
    const { port } = await start()
    const connection = await Connection.open(port)
    expect((await connection.send(expecting(2)).response()).status).toBe(100)
    expect((await connection.send('{}').response()).status).toBe(200)
    expect((await connection.send(submission('{}')).response()).status).toBe(200)
    connection.destroy()
  })

  it.each([
    { name: 'too large', text: expecting(70_000), status: 413 },
    { name: 'of another type', text: expecting(2, 'text/plain'), status: 415 },
  ])('is told no at once when it is $name', async ({ text, status }) => {
    const { port } = await start()
    const connection = await Connection.open(port)
    const response = await connection.send(text).response()
    expect(response.status).toBe(status)
    expect(response.headers.get('connection')).toBe('close')
    connection.destroy()
  })

  it('another expectation is no reason to refuse', async () => {
    const { port } = await start()
    expect((await ask(port, submission('{}', { Expect: 'miracles' }))).status).toBe(200)
  })
})

describe('several requests on one connection', () => {
  it('sent at once are answered in their order', async () => {
    const { port, ingest } = await start()
    const waiting: (() => void)[] = []
    ingest.answer = () => new Promise((resolve) => waiting.push(() => resolve(ACCEPTED)))
    const connection = await Connection.open(port)
    connection.send(
      submission('1', { 'X-Request-Id': 'a' }) +
        requestText('GET', '/health', { 'X-Request-Id': 'b' }) +
        submission('2', { 'X-Request-Id': 'c' }),
    )
    await ask(port, requestText('GET', '/health'))
    for (const answer of waiting.reverse()) answer()
    const ids = []
    for (let count = 0; count < 3; count += 1)
      ids.push((await connection.response()).headers.get('x-request-id'))
    expect(ids).toEqual(['a', 'b', 'c'])
    connection.destroy()
  })

  it('garbage behind a request does not take its answer away, nor its place', async () => {
    const { port, ingest } = await start()
    let finish = (): void => undefined
    ingest.answer = () => new Promise((resolve) => (finish = () => resolve(ACCEPTED)))
    const connection = await Connection.open(port)
    // A Content-Length that is too short makes the end of a body look like the next request.
    connection.send(submission('{"a":1}', { 'Content-Length': '2' }))
    await ask(port, requestText('GET', '/health'))
    finish()
    const response = await connection.response()
    expect([response.status, response.body]).toEqual([200, ACCEPTED_BODY])
    expect(response.headers.get('connection')).toBe('close')
    await expectEnd(connection)
  })
})

describe('X-Request-Id', () => {
  it.each(['abc', '0-0', 'Z'.repeat(64)])('%s is taken over and given back', async (id) => {
    const { port } = await start()
    const response = await ask(port, requestText('GET', '/nothing', { 'x-request-ID': id }))
    expect(response.headers.get('x-request-id')).toBe(id)
    expect(JSON.parse(response.body).instance).toBe(id)
  })

  it.each(['', 'a b', 'x'.repeat(65), 'ä', '"', 'a\r\nX-Request-Id: b'])('%j is not', async (id) => {
    const { port } = await start()
    const response = await ask(port, requestText('GET', '/nothing', { 'X-Request-Id': id }))
    expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f]{12}-[0-9a-z]+$/)
    expect(JSON.parse(response.body).instance).toBe(response.headers.get('x-request-id'))
  })
})

describe('hostile bytes', () => {
  /** A small generator with a seed, so that a failure can be met again. */
  function generator(seed: number): () => number {
    let state = seed >>> 0
    return () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      return state / 2 ** 32
    }
  }

  it('1,000 streams of garbage change nothing', { timeout: 60_000 }, async () => {
    const { port, ingest } = await start()
    const next = generator(20_260_101)
    const pieces = [
      'GET ',
      'POST /v1/pcs/submit',
      ' HTTP/1.1\r\n',
      'Host: x\r\n',
      'Content-Type: application/json\r\n',
      'Content-Length: 9\r\n',
      'Transfer-Encoding: chunked\r\n',
      'Expect: 100-continue\r\n',
      'Connection: close\r\n',
      '\r\n',
      '5\r\nabcde\r\n',
      '0\r\n\r\n',
      '%zz',
      '\0',
    ]
    const garbage = (): Buffer => {
      const parts = Array.from({ length: 1 + Math.floor(next() * 12) }, () => {
        if (next() < 0.7) return Buffer.from(pieces[Math.floor(next() * pieces.length)] ?? '')
        return Buffer.from(Array.from({ length: Math.floor(next() * 40) }, () => Math.floor(next() * 256)))
      })
      return Buffer.concat(parts)
    }
    for (let round = 0; round < 40; round += 1) {
      await Promise.all(
        Array.from({ length: 25 }, async () => {
          const connection = await Connection.open(port)
          connection.send(garbage()).send(garbage()).finish()
          await connection.end
          // Whatever came back is a sequence of whole answers, none of them ours to be ashamed of.
          expect(connection.rest).not.toMatch(/HTTP\/1\.1 5/)
          connection.destroy()
        }),
      )
    }
    expect((await ask(port, submission('{}'))).status).toBe(200)
    expect(ingest.submissions.every(({ raw }) => raw.length <= 65_536)).toBe(true)
  })
})
