import { allProblems } from '@fractal-lba/http-api'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask, requestText } from './testing/connection.js'
import { ACCEPTED, ACCEPTED_BODY } from './testing/fake-ingest.js'
import { type HttpUnderTest, startHttp } from './testing/start-http.js'

let http: HttpUnderTest
beforeAll(async () => {
  http = await startHttp()
})
afterAll(() => http.close())

const ID = 'c248cdf62583c11af721b35007fceb6010132732033c935a650402534a5eaf41'

const GET_PATHS = [
  '/',
  '/health',
  '/ready',
  '/metrics',
  '/openapi.json',
  '/docs',
  '/docs/swagger-ui-bundle.js',
  '/problems',
  '/problems/malformed',
  `/v1/pcs/${ID}`,
]

describe('paths', () => {
  it.each(GET_PATHS)('GET and HEAD %s', async (path) => {
    const got = await ask(http.port, requestText('GET', path))
    expect(got.status).toBe(200)
    const head = await ask(http.port, requestText('HEAD', path), true)
    expect(head.status).toBe(200)
    expect(head.body).toBe('')
    if (path !== '/metrics')
      expect(head.headers.get('content-length')).toBe(got.headers.get('content-length'))
    expect(head.headers.get('content-type')).toBe(got.headers.get('content-type'))
  })

  it.each(
    GET_PATHS.flatMap((path) =>
      ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE', 'PURGE'].map((method) => ({ path, method })),
    ),
  )('$method $path is a 405', async ({ path, method }) => {
    const response = await ask(http.port, requestText(method, path))
    expect(response.status).toBe(405)
    expect(response.headers.get('allow')).toBe('GET, HEAD')
    expect(JSON.parse(response.body).type).toBe('/problems/method-not-allowed')
  })

  it.each(['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND'])(
    '%s /v1/pcs/submit is a 405 that allows POST',
    async (method) => {
      const response = await ask(http.port, requestText(method, '/v1/pcs/submit'), method === 'HEAD')
      expect(response.status).toBe(405)
      expect(response.headers.get('allow')).toBe('POST')
    },
  )

  it.each([
    '/v1/pcs/submit/',
    '//v1/pcs/submit',
    '/v1//pcs/submit',
    '/v1/pcs',
    '/v1/pcs/',
    '/V1/pcs/submit',
    '/v1/pcs/Submit',
    '/health/',
    '//',
    '/docs/',
    '/docs/..',
    '/docs/../health',
    '/docs/swagger-ui.js',
    '/problems/',
    '/problems/nothing',
    '/problems/__proto__',
    `/v1/pcs/${ID}/`,
    `/v1/pcs/${ID.toUpperCase()}`,
    `/v1/pcs/${ID.slice(1)}`,
    `/v1/pcs/${ID}0`,
    `/v1/pcs/${'a'.repeat(4_000)}`,
    `/v1/pcs/${ID.slice(1)}%0a`,
    '/v1/pcs/%zz',
    '/v1/pcs/%',
    '/%',
    '/v1/pcs/%00',
    '/v1/pcs/%c3%28',
    '/v1/pcs/a;b',
    '*',
    'http://gateway.test/v1/pcs/submit/',
    'http://gateway.test',
    '/favicon.ico',
    '/?',
    '/constructor',
  ])('what is at %s', async (path) => {
    for (const method of ['GET', 'POST', 'OPTIONS', 'REPORT']) {
      const response = await ask(http.port, requestText(method, path))
      const isHome = path === '/?' || path === 'http://gateway.test'
      expect(response.status).toBe(isHome ? (method === 'GET' ? 200 : 405) : 404)
      if (isHome) continue
      expect(response.headers.get('content-type')).toBe('application/problem+json')
      expect(JSON.parse(response.body)).toMatchObject({ type: '/problems/unknown-path', status: 404 })
      expect(response.headers.has('allow')).toBe(false)
    }
  })

  it('a 404 to a POST does not wait for its body, nor for its type', async () => {
    const text = requestText('POST', '/nowhere', { 'Content-Type': 'weird;;', 'Content-Length': '1000' })
    expect((await ask(http.port, text)).status).toBe(404)
  })

  it('percent-encoding makes no other path', async () => {
    expect((await ask(http.port, requestText('GET', '/%68ealth'))).body).toBe('OK')
    const encoded = await ask(http.port, requestText('PUT', '/v1/pcs/%73ubmit'))
    expect([encoded.status, encoded.headers.get('allow')]).toEqual([405, 'POST'])
  })

  it('every type of a problem is a page', async () => {
    for (const { slug, title } of allProblems) {
      const page = await ask(http.port, requestText('GET', `/problems/${slug}`))
      expect(page.status).toBe(200)
      expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
      expect(page.body).toContain(title)
    }
  })
})

describe('GET /v1/pcs/{pcs_id}', () => {
  it('gives the stored outcome with its status, and says that it was stored', async () => {
    http.ingest.answer = async () => ({ ...ACCEPTED, status: 202 })
    const response = await ask(http.port, requestText('GET', `/v1/pcs/${ID}?x=1`))
    expect(response.status).toBe(202)
    expect(response.body).toBe(ACCEPTED_BODY)
    expect(response.headers.get('idempotent-replayed')).toBe('true')
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(http.ingest.asked.at(-1)).toBe(ID)
  })
})
