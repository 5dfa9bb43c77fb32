import { createServer } from 'node:http'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { closeNow, listenHere } from '../testing/local-server.js'
import { type Run, runPcs } from '../testing/run-pcs.js'

interface Answered {
  readonly status: number
  readonly body?: string
  readonly replayed?: boolean
}

const verdict = '{"accepted":true}'
const good: readonly Answered[] = [
  { status: 200, body: verdict },
  { status: 200, body: verdict, replayed: true },
  { status: 401, body: '{"title":"unauthenticated"}' },
]

/** A gateway that answers as told; the system itself is asked in test/e2e. */
const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const isReady = request.url === '/ready'
    if (!isReady) bodies.push(JSON.parse(Buffer.concat(chunks).toString()))
    const { status, body = '', replayed } = (isReady ? readies.shift() : answers.shift()) ?? { status: 500 }
    response.writeHead(status, replayed ? { 'idempotent-replayed': 'true' } : {}).end(body)
  })
})
let endpoint = ''
let bodies: Record<string, unknown>[] = []
let readies: Answered[] = []
let answers: Answered[] = []

beforeAll(async () => {
  endpoint = `http://${await listenHere(server)}`
})
afterAll(() => {
  closeNow(server)
})
beforeEach(() => {
  bodies = []
  readies = [{ status: 200, body: '{"status":"ready"}' }]
  answers = [...good]
})

function check(args: readonly string[] = [], key: Readonly<Record<string, string>> = {}): Promise<Run> {
  const env = { PCS_SIGN_ALG: 'hmac', PCS_HMAC_KEY: 'a key for this test alone', ENDPOINT: endpoint, ...key }
  return runPcs(['check', ...args], { env })
}

describe('pcs check', () => {
  it('sends a new record, the same again, and one that was changed after it was signed', async () => {
    expect(await check()).toMatchObject({ code: 0, err: '' })
    const [first, again, changed] = bodies
    expect(again).toEqual(first)
    expect(changed).toEqual({ ...first, D_hat: Number(first?.D_hat) + 0.25 })
    expect(first?.sig).toMatch(/./)
  })

  it('sends a record that was never before, each time', async () => {
    await check()
    answers = [...good]
    readies = [{ status: 200, body: '{"status":"degraded"}' }]
    const { out } = await check()
    expect(out).toContain('degraded')
    expect(new Set(bodies.map(({ pcs_id }) => pcs_id)).size).toBe(2)
  })

  it.each<[string, number, Answered, RegExp]>([
    ['a new record that is replayed', 0, { status: 200, replayed: true, body: verdict }, /a new signed/],
    ['a new record that is escalated', 0, { status: 202, body: verdict }, /a new signed .* got 202/],
    ['a duplicate that is judged again', 1, { status: 200, body: verdict }, /the same record again/],
    ['a duplicate with another verdict', 1, { status: 200, replayed: true, body: '{}' }, /the same verdict/],
    ['a changed record that is taken', 2, { status: 200, body: verdict }, /another D_hat .* got 200/],
  ])('ends with 1 at %s', async (_what, at, answered, sentence) => {
    answers[at] = answered
    const { code, err } = await check()
    expect(code).toBe(1)
    expect(err).toMatch(sentence)
  })

  it('ends with 3 where the answer is a 503', async () => {
    answers[0] = { status: 503 }
    expect(await check()).toMatchObject({ code: 3 })
  })

  it('leaves the signature out where records are unsigned', async () => {
    const { code, out } = await check([], { PCS_SIGN_ALG: 'none' })
    expect(code).toBe(0)
    expect(out).toContain('not checked')
    expect(bodies).toHaveLength(2)
  })

  it('waits for a gateway that is not ready yet, as long as it may', async () => {
    readies = [{ status: 503, body: '{"status":"not_ready"}' }]
    expect(await check()).toMatchObject({ code: 3, out: '' })
    readies = [
      { status: 503, body: '{"status":"not_ready"}' },
      { status: 200, body: '{"status":"degraded"}' },
      { status: 200, body: '{"status":"ready"}' },
    ]
    const { code, out } = await check(['--wait-ms', '60000'])
    expect(code).toBe(0)
    expect(out).toMatch(/^ready +ready\n/)
  })
})
