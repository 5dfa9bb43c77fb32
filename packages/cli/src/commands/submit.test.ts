import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { closeNow, listenHere } from '../testing/local-server.js'
import { runPcs } from '../testing/run-pcs.js'

/** A server that notes what arrives and answers as told; the system itself is put behind pcs end to end. */
const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    seen.push({ request, body: Buffer.concat(chunks).toString() })
    reply(response)
  })
})
let seen: { request: IncomingMessage; body: string }[] = []
let reply: (response: ServerResponse) => void
let endpoint = ''

const verdict = JSON.stringify({
  pcs_id: 'ab'.repeat(32),
  accepted: true,
  escalated: false,
  recomputed_D_hat: 1.5,
  recomputed_budget: 0.25,
  regime: 'mixed',
  params: '0123456789ab',
})

beforeAll(async () => {
  endpoint = `http://${await listenHere(server)}`
})
afterAll(() => {
  closeNow(server)
})
beforeEach(() => {
  seen = []
  reply = (response) => response.writeHead(200, { 'content-type': 'application/json' }).end(verdict)
})

describe('pcs submit', () => {
  it('posts the bytes as they are and prints the verdict', async () => {
    const run = await runPcs(['submit', '--in', '-'], { env: { ENDPOINT: endpoint }, stdin: '{"a": 1.0}\n' })
    expect(run).toMatchObject({ code: 0, err: '' })
    expect(run.out).toMatch(/^accepted\n/)
    expect(run.out).toContain('judged for the first time')
    expect(seen).toHaveLength(1)
    expect(seen[0]?.body).toBe('{"a": 1.0}\n')
    expect(seen[0]?.request).toMatchObject({ method: 'POST', url: '/v1/pcs/submit' })
    expect(seen[0]?.request.headers['content-type']).toBe('application/json')
  })

  it('--endpoint wins over ENDPOINT and may have a path', async () => {
    const args = ['submit', '--in', '-', '--endpoint', `${endpoint}/behind/`]
    expect(await runPcs(args, { env: { ENDPOINT: 'http://127.0.0.1:1' } })).toMatchObject({ code: 0 })
    expect(seen[0]?.request.url).toBe('/behind/v1/pcs/submit')
  })

  it('--json prints the answer as it came', async () => {
    reply = (response) => response.writeHead(202, { 'idempotent-replayed': 'true' }).end(verdict)
    const run = await runPcs(['submit', '--in', '-', '--json'], { env: { ENDPOINT: endpoint } })
    expect(run).toEqual({ code: 0, err: '', out: `{"status":202,"replayed":true,"body":${verdict}}\n` })
  })

  it('tells a problem on standard error', async () => {
    reply = (response) =>
      response
        .writeHead(400, { 'content-type': 'application/problem+json' })
        .end('{"title":"Invalid","status":400,"errors":[{"pointer":"/r","detail":"is missing"}]}')
    const run = await runPcs(['submit', '--in', '-'], { env: { ENDPOINT: endpoint } })
    expect(run).toEqual({ code: 1, out: '', err: 'pcs: 400 Invalid\n  /r: is missing\n' })
  })

  it('says when to try again', async () => {
    reply = (response) => response.writeHead(503, { 'retry-after': '6' }).end('{"title":"Unavailable"}')
    const run = await runPcs(['submit', '--in', '-'], { env: { ENDPOINT: endpoint } })
    expect(run).toEqual({ code: 3, out: '', err: 'pcs: 503 Unavailable\n  try again in 6 s\n' })
  })

  it('waits no longer than it is told', async () => {
    reply = () => undefined
    const args = ['submit', '--in', '-', '--timeout-ms', '200']
    const run = await runPcs(args, { env: { ENDPOINT: endpoint } })
    expect(run).toMatchObject({ code: 3, err: `pcs: no answer from ${endpoint} within 200 ms\n` })
  })

  it('waits no longer for an answer that stalls', async () => {
    reply = (response) => void response.writeHead(200).write('{')
    const args = ['submit', '--in', '-', '--timeout-ms', '400']
    expect(await runPcs(args, { env: { ENDPOINT: endpoint } })).toMatchObject({ code: 3 })
  })

  it.each([
    [
      'a connection that breaks',
      (response: ServerResponse) => void response.destroy(),
      3,
      'broke before the answer',
    ],
    [
      'an endless answer',
      (response: ServerResponse) => void response.end('x'.repeat(2 ** 21)),
      1,
      'too large',
    ],
    [
      'a redirection, which is not followed',
      (response: ServerResponse) => void response.writeHead(307, { location: endpoint }).end(),
      1,
      '307 without',
    ],
  ])('%s', async (_, told, code, sentence) => {
    reply = told
    const run = await runPcs(['submit', '--in', '-'], { env: { ENDPOINT: endpoint } })
    expect(run).toMatchObject({ code, out: '', err: expect.stringContaining(sentence) })
    expect(seen).toHaveLength(1)
  })

  it('nobody listening', async () => {
    const run = await runPcs(['submit', '--in', '-', '--endpoint', 'http://127.0.0.1:9'])
    expect(run).toMatchObject({ code: 3, err: expect.stringContaining('nothing listens there') })
  })

  it.each([
    ['ftp://host', 2, 'must be an address such as http'],
    ['nonsense', 2, 'must be an address such as http'],
    ['http://user:secret@127.0.0.1', 2, 'must not hold a user name'],
    ['http://nowhere.invalid', 3, 'should travel by https'],
  ])('the endpoint %s', async (address, code, sentence) => {
    const run = await runPcs(['submit', '--in', '-', '--endpoint', address, '--timeout-ms', '500'])
    expect(run).toMatchObject({ code, err: expect.stringContaining(sentence) })
  })

  it('takes no input without an end', async () => {
    const run = await runPcs(['submit', '--in', '-'], {
      env: { ENDPOINT: endpoint },
      stdin: 'x'.repeat(2 ** 20 + 1),
    })
    expect(run).toMatchObject({ code: 1, err: expect.stringContaining('more than 1048576 bytes') })
    expect(seen).toHaveLength(0)
  })
})

describe('pcs get', () => {
  const id = 'ab'.repeat(32)

  it('shows the stored outcome', async () => {
    reply = (response) => response.writeHead(200, { 'idempotent-replayed': 'true' }).end(verdict)
    const run = await runPcs(['get', id, '--endpoint', endpoint])
    expect(run).toMatchObject({ code: 0, err: '' })
    expect(run.out).toContain('replayed: the outcome was stored before')
    expect(seen[0]?.request).toMatchObject({ method: 'GET', url: `/v1/pcs/${id}` })
  })

  it('says that there is none', async () => {
    reply = (response) => response.writeHead(404).end('{"title":"Not found","detail":"No outcome."}')
    const run = await runPcs(['get', id, '--endpoint', endpoint])
    expect(run).toEqual({ code: 1, out: '', err: 'pcs: 404 Not found: No outcome.\n' })
  })
})
