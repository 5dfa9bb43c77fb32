import { describe, expect, it } from 'vitest'
import type { Client } from '../../src/client.js'
import { metricsOf } from '../../src/metrics.js'
import { problemOf } from '../../src/problem.js'
import { outcomeKinds, textOf, twinOf } from '../../src/records.js'
import { useSystemInProcess } from '../../src/system.js'

const system = useSystemInProcess('batch', { log: 'memory' })

interface LineAnswer {
  readonly line: number
  readonly status: number
  readonly replayed?: boolean
  readonly outcome?: { readonly pcs_id: string; readonly reason?: string }
  readonly problem?: { readonly type: string }
}

function ask(client: Client, body: string, headers: Record<string, string> = {}) {
  const own = { 'content-type': 'application/x-ndjson', ...headers }
  return client.ask({ method: 'POST', path: '/v1/pcs/batch', headers: own, body })
}

/** The lines of the answer as they came, and what they say. */
async function submitAll(client: Client, lines: readonly string[]) {
  const answer = await ask(client, lines.join('\n'))
  expect(answer.status, answer.body.toString()).toBe(200)
  expect(answer.headers['content-type']).toBe('application/x-ndjson')
  const texts = answer.body.toString().trimEnd().split('\n')
  return texts.map((text) => ({ text, ...(JSON.parse(text) as LineAnswer) }))
}

describe('a line of a batch', () => {
  it.each(outcomeKinds)('$name: $status', async ({ changes, status, reason, stored }) => {
    const { client, records } = system()
    const record = records.next(changes)
    const [first] = await submitAll(client, [textOf(record)])
    expect(first).toMatchObject({ line: 1, status, replayed: false })
    expect(first?.outcome).toMatchObject({ pcs_id: record.pcs_id, ...(reason && { reason }) })
    if (!stored) return
    const single = await client.submit(textOf(record))
    expect(single.headers['idempotent-replayed']).toBe('true')
    const [again] = await submitAll(client, [textOf(record)])
    const body = single.body.toString()
    expect(again?.text).toBe(`{"line":1,"status":${status},"replayed":true,"outcome":${body}}`)
    expect(first?.text).toBe(`{"line":1,"status":${status},"replayed":false,"outcome":${body}}`)
  })

  it('that is bad has the answer that submit has, and harms no other', async () => {
    const { client, records } = system()
    const known = records.next()
    await client.submit(textOf(known))
    const lines = [
      textOf(records.next()),
      '{"epoch":"x"}',
      textOf({ ...records.next(), D_hat: 0.9 }),
      textOf(twinOf(known)),
      `${' '.repeat(65_536)}{}`,
      '',
      'null',
      textOf(known),
      textOf(records.next()),
    ]
    const answers = await submitAll(client, lines)
    expect(answers.map(({ line, status }) => `${line} ${status}`)).toEqual([
      '1 200',
      '2 400',
      '3 401',
      '4 409',
      '5 413',
      '7 400',
      '8 200',
      '9 200',
    ])
    for (const { line, status, problem } of answers) {
      if (status < 400) continue
      const single = problemOf(await client.submit(lines[line - 1] ?? ''), status)
      // Of what is too long, one is read to its end and the other is not.
      const unlike = { instance: '', ...(status === 413 && { detail: '' }) }
      expect({ ...problem, ...unlike }).toEqual({ ...single, ...unlike })
    }
  })

  it('is counted as a single submission is', async () => {
    const { client, records } = system()
    const [known, escalated] = [records.next(), records.next({ budget: 0.9 })]
    await client.submit(textOf(known))
    const before = await metricsOf(client)
    await submitAll(client, [
      ...[textOf(records.next()), textOf(escalated), textOf(known), '{}'],
      ...[textOf({ ...records.next(), D_hat: 0.9 }), textOf(twinOf(known)), `${' '.repeat(65_536)}{}`],
    ])
    const after = await metricsOf(client)
    const moved = (name: string, labels?: Record<string, string>) =>
      after.value(name, labels) - before.value(name, labels)
    expect({
      ingest: moved('flk_ingest_total'),
      hits: moved('flk_dedup_hits'),
      accepted: moved('flk_accepted'),
      escalated: moved('flk_escalated'),
      signature: moved('flk_signature_err'),
      conflicts: moved('flk_dedup_conflicts'),
      answered200: moved('flk_submissions_total', { front: 'batch', code: '200' }),
    }).toEqual({
      ...{ ingest: 6, hits: 1, accepted: 2, escalated: 1, signature: 1, conflicts: 1 },
      answered200: 2,
    })
  })
})

it('hundreds of records in one request are judged once each, in order', async () => {
  const { client, records } = system()
  const made = Array.from({ length: 300 }, () => records.next())
  const first = await submitAll(client, made.map(textOf))
  expect(first.map(({ line, outcome }) => `${line} ${outcome?.pcs_id}`)).toEqual(
    made.map(({ pcs_id }, index) => `${index + 1} ${pcs_id}`),
  )
  expect(first.every(({ status, replayed }) => status === 200 && replayed === false)).toBe(true)
  const again = await submitAll(client, made.map(textOf))
  expect(again.every(({ status, replayed }) => status === 200 && replayed === true)).toBe(true)
})

it('two lines with one id: one is judged, the other gets what stands', async () => {
  const { client, records } = system()
  const record = records.next()
  const answers = await submitAll(client, [textOf(record), textOf(record), textOf(record)])
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
  expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(1)
})

it.each([
  ['gzip', { 'content-encoding': 'gzip' }, 415],
  ['JSON', { 'content-type': 'application/json' }, 415],
] as const)('%s is refused whole', async (_, headers, status) => {
  const { client, records } = system()
  problemOf(await ask(client, textOf(records.next()), headers), status)
})
