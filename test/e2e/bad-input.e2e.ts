import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { badFields, badTexts } from '../src/bad-records.js'
import type { Answer } from '../src/client.js'
import { type Problem, problemOf } from '../src/problem.js'
import { rawExchange } from '../src/raw-http.js'
import { nested, withFields, withFirst } from '../src/record-text.js'
import { type TestRecord, textOf } from '../src/records.js'
import { useSystem } from '../src/system.js'

const system = useSystem('bad-input')

/** Refused as it must be, and in the log as a submission with the mark of a 400. */
async function expectRefused(body: string | Buffer): Promise<Problem> {
  const { client, wal } = system()
  const before = (await wal.state()).nextSequence
  const problem = problemOf(await client.submit(body), 400)
  await wal.untilNothingOpen(10_000)
  const marks = await wal.marks(before)
  expect(marks.map(({ mark }) => [mark?.sequence, mark?.status, mark?.verdict])).toEqual([
    [before, 400, undefined],
  ])
  expect(problem.errors?.length).toBeGreaterThan(0)
  for (const { pointer, detail } of problem.errors ?? []) {
    expect(pointer).toMatch(/^(\/[\x21-\x7e]*)?$/)
    expect(pointer.length).toBeLessThanOrEqual(128)
    expect(detail).toMatch(/^[^\n\r]+$/)
  }
  return problem
}

describe('a text that is none', () => {
  it.each(badTexts)('$name', async ({ body, pointer }) => {
    const { errors = [] } = await expectRefused(body(system().records.next()))
    if (pointer !== undefined) expect(errors.map((error) => error.pointer)).toContain(pointer)
    else {
      expect(errors).toHaveLength(1)
      expect(errors[0]?.detail).toMatch(/\d/)
    }
  })
})

describe('a field that breaks its rule', () => {
  it.each(badFields)('$name', async ({ body, pointer }) => {
    const { errors = [] } = await expectRefused(body(system().records.next()))
    expect(errors.map((error) => error.pointer)).toContain(pointer)
  })
})

describe('all that is right', () => {
  const longest = 2 ** 53 - 1
  const manyScales = Array.from({ length: 64 }, (_, index) => 2 ** (index % 32) + index)
  const good: readonly (readonly [name: string, changes: Partial<TestRecord>, status: number])[] = [
    ['a shard id of 256 code points', { shard_id: '🚀'.repeat(256) }, 200],
    ['a shard id of one', { shard_id: ' ' }, 200],
    ['the smallest integers', { epoch: 0, attempt: 1, seed: -longest }, 200],
    ['the largest integers', { epoch: longest, attempt: longest, seed: longest }, 200],
    ['a newer minor version', { version: '0.2' }, 200],
    ['a much newer minor version', { version: '0.107' }, 200],
    ['a merkle root of one digit', { merkle_root: 'a' }, 200],
    ['a merkle root of 128 digits', { merkle_root: 'a'.repeat(128) }, 200],
    ['a lower-case t and z', { sent_at: '2026-01-01t00:00:00z' }, 200],
    ['parts of a second and an offset', { sent_at: '2024-02-29T23:59:59.123456789-23:59' }, 200],
    ['a repeated and unsorted scale', { scales: [32, 2, 4, 8, 16, 32] }, 200],
    [
      '64 scales',
      { scales: manyScales, N_j: Object.fromEntries(manyScales.map((scale) => [scale, scale])) },
      200,
    ],
    ['the largest counts', { scales: [1, longest], N_j: { '1': longest, [longest]: 0 } }, 202],
    ['negative and huge floats', { D_hat: -1e300, coh_star: 1e308, r: -0.1, budget: -5 }, 202],
    [
      'the fullest ft',
      {
        ft: {
          outbox_seq: longest,
          degraded: true,
          fallbacks: Array.from({ length: 64 }, () => 'é'.repeat(256)),
          clock_skew_ms: -longest,
        },
      },
      200,
    ],
  ]

  it.each(good)('%s: %o', async (_name, changes, status) => {
    const { client, records } = system()
    const answer = await client.submit(textOf(records.next(changes)))
    expect(answer.status, answer.body.toString()).toBe(status)
  })

  it.each([
    ['white space around it', (record: TestRecord) => ` \r\n\t${textOf(record)}\t\r\n `],
    ['nesting of 16', (record: TestRecord) => withFirst(record, `"x":${nested(15)}`)],
    [
      'a large ignored integer',
      (record: TestRecord) => withFirst(record, '"x":123456789012345678901234567890'),
    ],
    [
      '__proto__ and constructor',
      (record: TestRecord) => withFirst(record, '"__proto__":{"sig":1},"constructor":null'),
    ],
    [
      '__proto__ inside of ft',
      (record: TestRecord) => textOf(record).replace('"ft":{', '"ft":{"__proto__":[],'),
    ],
    ['escaped keys', (record: TestRecord) => textOf(record).replace('"epoch"', '"\\u0065\\u0070och"')],
    ['a seed of -0', (record: TestRecord) => withFields(record, { seed: '-0' })],
    ['surrogate pairs', (record: TestRecord) => withFirst(record, '"\\ud83d\\ude80":"\\ud83d\\ude80"')],
  ])('%s', async (_name, body) => {
    const { client, records } = system()
    const answer = await client.submit(body(records.next()))
    expect(answer.status, answer.body.toString()).toBe(200)
  })

  it('underflow is 0', async () => {
    const { client, records } = system()
    const record = records.next({ r: 0, budget: 0.546 })
    const answer = await client.submit(withFields(record, { r: '1e-400' }))
    expect(answer.status, answer.body.toString()).toBe(200)
  })
})

describe('the errors', () => {
  it('are all told', async () => {
    const record = system().records.next()
    const { errors = [] } = await expectRefused(
      withFields(record, {
        epoch: '-1',
        v_star: '[1,"2",null]',
        regime: undefined,
        N_j: '{"2":-1}',
        ft: '{"degraded":1}',
      }),
    )
    const pointers = [
      '/epoch',
      '/v_star/1',
      '/v_star/2',
      '/regime',
      '/N_j/2',
      '/N_j/4',
      '/N_j/32',
      '/ft/degraded',
    ]
    expect(errors.map(({ pointer }) => pointer)).toEqual(
      expect.arrayContaining([...pointers, '/ft/outbox_seq']),
    )
  })

  it('are at most 100', async () => {
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`k${index}`, index]))
    const { errors } = await expectRefused(withFields(system().records.next(), { N_j: JSON.stringify(many) }))
    expect(errors).toHaveLength(100)
  })

  it('escape hostile pointers', async () => {
    const keys = [
      '\n{"level":"fatal"}',
      'a/b~c',
      '"><script>',
      '\u202e',
      'x'.repeat(5_000),
      '🚀'.repeat(200),
      '',
    ]
    for (const key of keys) {
      const counts = JSON.stringify({ [key]: 1 })
      const { errors = [] } = await expectRefused(withFields(system().records.next(), { N_j: counts }))
      expect(errors.length).toBeGreaterThan(0)
    }
  })

  it('never hold the payload', async () => {
    const { client, records } = system()
    const secret = 'PAYLOAD-OF-SOMEBODY'
    const bodies = [
      withFields(records.next(), { epoch: `"${secret}"`, regime: `"${secret}"`, sent_at: `"${secret}"` }),
      withFields(records.next(), { D_hat: secret }),
      `{"${secret}`,
      secret,
    ]
    for (const body of bodies) expect((await client.submit(body)).body.toString()).not.toContain(secret)
  })
})

describe('what is not HTTP', () => {
  it.each([
    'GARBAGE\r\n\r\n',
    '\0\0\0\0\r\n\r\n',
    `POST /v1/pcs/submit HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n`,
    `POST /v1/pcs/submit HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n{}`,
    `POST /v1/pcs/submit HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n`,
    `GET /health HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(100_000)}\r\n\r\n`,
  ])('%j is refused, and the next one is served', async (bytes) => {
    const { site, client } = system()
    expect(await rawExchange(site.port, bytes)).toMatch(/^HTTP\/1\.1 4\d\d /)
    expect((await client.get('/health')).status).toBe(200)
  })
})

describe('after all of this', () => {
  it('the bodies are in the log as they came', async () => {
    const { client, walDirectory } = system()
    const marker = '{"the body that is looked for": \u00e9'
    expect((await client.submit(marker)).status).toBe(400)
    const files = await readdir(walDirectory, { recursive: true, withFileTypes: true })
    const contents = await Promise.all(
      files.filter((file) => file.isFile()).map((file) => readFile(join(file.parentPath, file.name))),
    )
    expect(contents.some((content) => content.includes(marker))).toBe(true)
  })

  it('no process died, no log line was forged, and none holds a payload, a key or a signature', async () => {
    const { client, constellation, lines, records, site } = system()
    const record = records.next({ shard_id: 'SHARD-NOBODY-LOGS' })
    const answers: Answer[] = [
      await client.submit(textOf(record)),
      await client.submit(textOf({ ...record, sig: 'U0lHTkFUVVJF' })),
      await client.submit('{"x":"FORGED\n{\\"level\\":\\"fatal\\"}"}', {
        'x-request-id': 'a',
        traceparent: 'FORGED',
      }),
      await client.get('/%0a%7b%22level%22:%22FORGED%22%7d'),
    ]
    expect(answers.map(({ status }) => status)).toEqual([200, 401, 400, 404])
    for (const name of ['gateway', 'wal', 'verifier', 'dedup', 'signal-scoring'] as const) {
      expect(constellation.restarts(name), name).toBe(0)
    }
    expect(lines.length).toBeGreaterThan(5)
    for (const { service, text } of lines) {
      expect(() => JSON.parse(text), `${service}: ${text}`).not.toThrow()
      for (const secret of [
        record.sig,
        'U0lHTkFUVVJF',
        site.hmacKey,
        'SHARD-NOBODY-LOGS',
        'FORGED',
        '"level":"fatal"',
      ]) {
        expect(text.includes(secret), `${service}: ${text}`).toBe(false)
      }
    }
  })
})
