import { describe, expect, it } from 'vitest'
import { startBranch } from '../../src/branch.js'
import type { Client } from '../../src/client.js'
import { type Metrics, metricsOf } from '../../src/metrics.js'
import { type TestRecord, textOf, twinOf } from '../../src/records.js'
import { useSystemInProcess } from '../../src/system.js'
import { until } from '../../src/until.js'

const columns = {
  ingest: 'flk_ingest_total',
  dedup_hits: 'flk_dedup_hits',
  accepted: 'flk_accepted',
  escalated: 'flk_escalated',
  signature_err: 'flk_signature_err',
  dedup_conflicts: 'flk_dedup_conflicts',
  rate_limited: 'flk_rate_limited',
  wal_errors: 'flk_wal_errors',
} as const

type Column = keyof typeof columns
type Moves = Partial<Record<Column, number>>

const system = useSystemInProcess('counters')

function moved(before: Metrics, after: Metrics): Moves {
  const moves: Moves = {}
  for (const [column, name] of Object.entries(columns) as [Column, string][]) {
    const by = after.value(name) - before.value(name)
    if (by !== 0) moves[column] = by
  }
  return moves
}

async function movesDuring(client: Client, submit: () => Promise<unknown>): Promise<Moves> {
  const before = await metricsOf(client)
  await submit()
  return moved(before, await metricsOf(client))
}

interface Row {
  readonly answer: string
  /** What was there before; not counted. */
  readonly before?: (record: TestRecord) => TestRecord
  readonly changes?: Partial<TestRecord>
  readonly send?: (record: TestRecord) => string
  readonly headers?: Record<string, string>
  readonly status: number
  readonly moves: Moves
}

const rows: readonly Row[] = [
  { answer: '200 first', status: 200, moves: { ingest: 1, accepted: 1 } },
  {
    answer: '202 first, accepted',
    changes: { budget: 0.9 },
    status: 202,
    moves: { ingest: 1, accepted: 1, escalated: 1 },
  },
  {
    answer: '202 first, not accepted',
    changes: { D_hat: 2 },
    status: 202,
    moves: { ingest: 1, escalated: 1 },
  },
  {
    answer: '202, the id is not the hash',
    changes: { pcs_id: 'd'.repeat(64) },
    status: 202,
    moves: { ingest: 1, escalated: 1 },
  },
  { answer: 'replayed 200', before: (record) => record, status: 200, moves: { ingest: 1, dedup_hits: 1 } },
  {
    answer: 'replayed 202',
    before: (record) => record,
    changes: { budget: 0.9 },
    status: 202,
    moves: { ingest: 1, dedup_hits: 1 },
  },
  { answer: '400', send: () => '{}', status: 400, moves: { ingest: 1 } },
  { answer: '400, no JSON', send: () => '', status: 400, moves: { ingest: 1 } },
  {
    answer: '401',
    send: (record) => textOf({ ...record, D_hat: 0.8 }),
    status: 401,
    moves: { ingest: 1, signature_err: 1 },
  },
  {
    answer: '401, no signature',
    send: (record) => textOf({ ...record, sig: '' }),
    status: 401,
    moves: { ingest: 1, signature_err: 1 },
  },
  { answer: '409', before: twinOf, status: 409, moves: { ingest: 1, dedup_conflicts: 1 } },
  { answer: '413', send: (record) => textOf(record).padEnd(70_000), status: 413, moves: {} },
  { answer: '415', headers: { 'content-type': 'text/plain' }, status: 415, moves: {} },
]

describe('each submission moves its counters once', () => {
  it.each(rows)('$answer: $moves', async ({ before, changes, send = textOf, headers, status, moves }) => {
    const { client, records } = system()
    const record = records.next(changes)
    if (before) await client.submit(textOf(before(record)))
    const seen = await movesDuring(client, async () => {
      const answer = await client.submit(send(record), headers)
      expect(answer.status, answer.body.toString()).toBe(status)
    })
    expect(seen).toEqual(moves)
  })

  it('429: rate_limited alone', async () => {
    const { records } = system()
    const { client } = await startBranch(system(), { gateway: { TOKEN_RATE: '1' } })
    let refused = 0
    const moves = await movesDuring(client, async () => {
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => client.submit(textOf(records.next()))),
      )
      refused = answers.filter(({ status }) => status === 429).length
    })
    expect(refused).toBeGreaterThan(0)
    expect(moves).toEqual({ rate_limited: refused, ingest: 20 - refused, accepted: 20 - refused })
  })

  it('GET moves none', async () => {
    const { client, records } = system()
    const record = records.next()
    await client.submit(textOf(record))
    const moves = await movesDuring(client, async () => {
      await client.outcome(record.pcs_id)
      await client.outcome('e'.repeat(64))
      await client.get('/nothing')
    })
    expect(moves).toEqual({})
  })

  it('503 after the append: ingest; accepted when the replay finishes it, and no second ingest', async () => {
    const { client, records, constellation, wal } = system()
    await constellation.stopOne('signal-scoring')
    const [good, deviating] = [records.next(), records.next({ budget: 0.9 })]
    const start = await metricsOf(client)
    const moves = await movesDuring(client, async () => {
      for (const record of [good, deviating]) expect((await client.submit(textOf(record))).status).toBe(503)
    })
    expect(moves).toEqual({ ingest: 2 })
    await constellation.start('signal-scoring')
    await constellation.untilReady()
    await wal.untilNothingOpen(30_000)
    // Their marks are flushed before they are counted.
    const after = await until('the replay was counted', 30_000, async () => {
      const metrics = await metricsOf(client)
      const more = (name: string): number => metrics.value(name) - start.value(name)
      return more('flk_accepted') + more('flk_escalated') >= 3 && metrics
    })
    expect(moved(start, after)).toEqual({ ingest: 2, accepted: 2, escalated: 1 })
  })

  it('503 before the append: a WAL error, no ingest', async () => {
    const { client, records, constellation } = system()
    await constellation.stopOne('wal')
    const moves = await movesDuring(client, async () => {
      expect((await client.submit(textOf(records.next()))).status).toBe(503)
    })
    expect(moves).toEqual({ wal_errors: 1 })
    await constellation.start('wal')
    await constellation.untilReady()
  })

  it('race: one first, the others hits, whoever wins', async () => {
    const { client, records } = system()
    const text = textOf(records.next())
    const moves = await movesDuring(client, () =>
      Promise.all(Array.from({ length: 32 }, () => client.submit(text))),
    )
    expect(moves).toEqual({ ingest: 32, accepted: 1, dedup_hits: 31 })
  })
})

describe('http_requests_total', () => {
  it('has each request under its route and code', async () => {
    const { client, records } = system()
    const before = await metricsOf(client)
    const record = records.next()
    await client.submit(textOf(record))
    await client.submit(textOf(twinOf(record)))
    await client.submit('')
    await client.outcome(record.pcs_id)
    await client.ask({ method: 'DELETE', path: '/v1/pcs/submit' })
    const after = await metricsOf(client)
    const by = (labels: Record<string, string>): number =>
      after.value('http_requests_total', labels) - before.value('http_requests_total', labels)
    for (const code of ['200', '409', '400'])
      expect(by({ method: 'POST', route: '/v1/pcs/submit', code }), code).toBe(1)
    expect(by({ method: 'GET', code: '200', route: '/v1/pcs/:pcs_id' })).toBe(1)
    expect(by({ method: 'DELETE', code: '405' })).toBe(1)
  })
})
