import { describe, expect, it } from 'vitest'
import { json } from '../../src/client.js'
import { problemOf } from '../../src/problem.js'
import { outcomeKinds, textOf, twinOf } from '../../src/records.js'
import { useSystemInProcess } from '../../src/system.js'

const system = useSystemInProcess('answers')
const KNOWN_FORM_ID = 'f'.repeat(64)

describe('outcomes', () => {
  it.each(outcomeKinds)('$name: $status', async ({ changes, status, accepted, reason, stored }) => {
    const { client, records } = system()
    const record = records.next(changes)
    const first = await client.submit(textOf(record))
    expect(first.status).toBe(status)
    expect(first.headers['content-type']).toMatch(/^application\/json(;|$)/)
    expect(first.headers).not.toHaveProperty('idempotent-replayed')
    const body = json(first)
    expect(body).toMatchObject({ pcs_id: record.pcs_id, accepted, escalated: status === 202 })
    const expected = [
      'pcs_id',
      'accepted',
      'escalated',
      'recomputed_D_hat',
      'recomputed_budget',
      'regime',
      'params',
    ]
    expect(Object.keys(body as object).sort()).toEqual(
      (reason ? [...expected, 'reason', 'message'] : expected).sort(),
    )
    if (reason) {
      expect(body).toMatchObject({ reason, message: expect.stringMatching(/\S+ \S+/) })
    }

    const second = await client.submit(textOf(record))
    const shown = await client.outcome(record.pcs_id)
    if (stored) {
      for (const again of [second, shown]) {
        expect(again.status).toBe(status)
        expect(again.headers['idempotent-replayed']).toBe('true')
        expect(again.body).toEqual(first.body)
      }
    } else {
      expect(second.status).toBe(status)
      expect(second.headers).not.toHaveProperty('idempotent-replayed')
      problemOf(shown, 404)
    }
  })

  it('write a recomputed 0', async () => {
    const { client, records } = system()
    const flat = records.next({ N_j: { '2': 1, '4': 1, '8': 0, '16': 1, '32': 1 }, D_hat: 0 })
    const answer = await client.submit(textOf(flat))
    expect(json(answer)).toMatchObject({ recomputed_D_hat: 0, recomputed_budget: 0.396, regime: 'sticky' })
  })

  it('say null for what the judgement did not reach', async () => {
    const { client, records } = system()
    const answer = await client.submit(textOf(records.next({ scales: [4, 4], N_j: { '4': 2 } })))
    expect(json(answer)).toMatchObject({ recomputed_D_hat: null, recomputed_budget: null, regime: null })
  })
})

describe('refusals', () => {
  it('400: a problem with every error', async () => {
    const { client } = system()
    const problem = problemOf(await client.submit('{"epoch":"x"}'), 400)
    expect(problem.errors?.find(({ pointer }) => pointer === '/epoch')?.detail).toMatch(/integer/)
    expect(problem.errors?.length).toBeGreaterThan(15)
  })

  it('401: with a challenge', async () => {
    const { client, records } = system()
    const answer = await client.submit(textOf({ ...records.next(), D_hat: 0.9 }))
    problemOf(answer, 401)
    expect(answer.headers['www-authenticate']).toMatch(/\S/)
  })

  it('404: an id that is not stored', async () => {
    const { client } = system()
    problemOf(await client.outcome(KNOWN_FORM_ID), 404)
  })

  it.each([
    '/v1/pcs/submit/',
    '/v1/pcs',
    '/v2/pcs/submit',
    '/health/',
    '/nothing',
    '/__proto__',
    '/v1/pcs/%00',
    '//',
  ])('404: the path %s', async (path) => {
    const { client } = system()
    problemOf(await client.get(path), 404)
    problemOf(await client.ask({ method: 'POST', path, body: '{}' }), 404)
  })

  it.each([
    ['GET', '/v1/pcs/submit', 'POST'],
    ['HEAD', '/v1/pcs/submit', 'POST'],
    ['OPTIONS', '/v1/pcs/submit', 'POST'],
    ['PUT', '/v1/pcs/submit', 'POST'],
    ['DELETE', '/v1/pcs/submit', 'POST'],
    ['PATCH', '/v1/pcs/submit', 'POST'],
    ['POST', `/v1/pcs/${KNOWN_FORM_ID}`, 'GET, HEAD'],
    ['OPTIONS', `/v1/pcs/${KNOWN_FORM_ID}`, 'GET, HEAD'],
    ['DELETE', `/v1/pcs/${KNOWN_FORM_ID}`, 'GET, HEAD'],
    ['POST', '/health', 'GET, HEAD'],
    ['OPTIONS', '/ready', 'GET, HEAD'],
    ['PUT', '/metrics', 'GET, HEAD'],
  ])('405: %s %s allows %s', async (method, path, allow) => {
    const { client } = system()
    const answer = await client.ask({ method, path, ...(method === 'PUT' ? { body: '{}' } : {}) })
    expect(answer.headers.allow?.split(/, */).sort().join(', ')).toBe(allow)
    if (method === 'HEAD') expect([answer.status, answer.body.length]).toEqual([405, 0])
    else problemOf(answer, 405)
  })

  it('409: another content under a stored id, again and again', async () => {
    const { client, records } = system()
    const record = records.next()
    const first = await client.submit(textOf(record))
    for (let i = 0; i < 3; i++) {
      const problem = problemOf(await client.submit(textOf(twinOf(record))), 409)
      expect(problem.type).toMatch(/pcs[-_]conflict/)
      expect((await client.outcome(record.pcs_id)).body).toEqual(first.body)
    }
  })
})

describe('HEAD', () => {
  it.each(['/health', '/ready', '/metrics', `/v1/pcs/${KNOWN_FORM_ID}`])(
    '%s is as GET, without the body',
    async (path) => {
      const { client } = system()
      const [head, get] = [await client.ask({ method: 'HEAD', path }), await client.get(path)]
      expect(head.status).toBe(get.status)
      expect(head.headers['content-type']).toBe(get.headers['content-type'])
      expect(head.body.length).toBe(0)
      expect(get.body.length).toBeGreaterThan(0)
    },
  )

  it('of a stored outcome says that it is stored', async () => {
    const { client, records } = system()
    const record = records.next()
    await client.submit(textOf(record))
    const head = await client.ask({ method: 'HEAD', path: `/v1/pcs/${record.pcs_id}` })
    expect([head.status, head.headers['idempotent-replayed'], head.body.length]).toEqual([200, 'true', 0])
  })
})

describe('the request id', () => {
  it('is taken from outside in its own form', async () => {
    const { client } = system()
    for (const id of ['a', 'Order-66', 'x'.repeat(64)]) {
      const answer = await client.submit('', { 'x-request-id': id })
      expect(problemOf(answer, 400).instance).toBe(id)
    }
  })

  it.each(['', ' ', 'a b', 'x'.repeat(65), 'a_b', '<script>', 'a"b', 'ä', 'a,b'])('is not %j', async (id) => {
    const { client } = system()
    const header = Buffer.from(id, 'utf8').toString('latin1')
    const problem = problemOf(await client.submit('', { 'x-request-id': header }), 400)
    expect(problem.instance).not.toBe(id)
  })

  it('is another for each request', async () => {
    const { client } = system()
    const ids = await Promise.all(
      Array.from({ length: 20 }, async () => problemOf(await client.get('/nothing'), 404).instance),
    )
    expect(new Set(ids).size).toBe(20)
  })
})
