import { ingest } from '@fractal-lba/proto'
import { credentials, status as Grpc, Metadata } from '@grpc/grpc-js'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startBranch } from '../../src/branch.js'
import { json } from '../../src/client.js'
import { problemOf } from '../../src/problem.js'
import { outcomeKinds, retryOf, type TestRecord, textOf, twinOf } from '../../src/records.js'
import { addressOf, useSystemInProcess } from '../../src/system.js'
import { typed } from '../../src/typed-record.js'
import { type Refusal, refusalIn, refusalOf, unary } from '../../src/unary.js'

const system = useSystemInProcess('grpc', { log: 'memory' })
const BATCH_MAX = 256

function ingestClient(address = addressOf(system().site, 'gateway')) {
  const client = new ingest.IngestServiceClient(address, credentials.createInsecure())
  onTestFinished(() => client.close())
  const submitTyped = (record: ingest.PcsRecord) => unary(client.submit.bind(client), { record })
  return {
    raw: client,
    submitTyped,
    submit: (record: TestRecord) => submitTyped(typed(record)),
    batch: (records: ingest.PcsRecord[]) => unary(client.submitBatch.bind(client), { records }),
    outcome: (pcsId: string) => unary(client.getOutcome.bind(client), { pcsId }),
  }
}

/** The outcome's message as HTTP writes it. */
function asJson(stored: ingest.StoredOutcome | undefined): unknown {
  const outcome = stored?.outcome
  if (!outcome) throw new Error('there is no outcome')
  return {
    pcs_id: outcome.pcsId,
    accepted: outcome.accepted,
    escalated: outcome.escalated,
    ...(outcome.reason === undefined ? {} : { reason: outcome.reason, message: outcome.message }),
    recomputed_D_hat: outcome.recomputedDHat ?? null,
    recomputed_budget: outcome.recomputedBudget ?? null,
    regime: outcome.regime ?? null,
    params: outcome.params,
  }
}

function expectRefused(refusal: Refusal, code: number, details: 'violations' | 'retry' | 'none'): void {
  expect(refusal.code, refusal.message).toBe(code)
  expect(refusal.message).toMatch(/\S+ \S+/)
  expect([refusal.violations !== undefined, refusal.retryAfterMs !== undefined]).toEqual([
    details === 'violations',
    details === 'retry',
  ])
}

describe('Submit', () => {
  it.each(outcomeKinds)(
    '$name is OK, with the status of HTTP in the message',
    async ({ changes, status, stored }) => {
      const { client, records } = system()
      const record = records.next(changes)
      const { submit, outcome } = ingestClient()
      const { result: first } = await submit(record)
      expect([first?.httpStatus, first?.replayed]).toEqual([status, false])
      const overHttp = await client.submit(textOf(record))
      expect(overHttp.status).toBe(status)
      expect(json(overHttp)).toEqual(asJson(first))
      const { result: again } = await submit(retryOf(record))
      expect([again?.httpStatus, again?.replayed]).toEqual([status, stored])
      expect(asJson(again)).toEqual(asJson(first))
      if (stored) {
        expect(overHttp.headers['idempotent-replayed']).toBe('true')
        const { result: shown } = await outcome(record.pcs_id)
        expect([shown?.httpStatus, shown?.replayed]).toEqual([status, true])
        expect(asJson(shown)).toEqual(asJson(first))
      } else expectRefused(await refusalOf(outcome(record.pcs_id)), Grpc.NOT_FOUND, 'none')
    },
  )

  it('is a duplicate of what came over HTTP', async () => {
    const { client, records } = system()
    const record = records.next({ budget: 0.9 })
    const overHttp = await client.submit(textOf(record))
    const { result } = await ingestClient().submit(record)
    expect([result?.httpStatus, result?.replayed]).toEqual([202, true])
    expect(asJson(result)).toEqual(json(overHttp))
  })

  it('conflicts with another content that came over HTTP, and the other way round', async () => {
    const { client, records } = system()
    const { submit } = ingestClient()
    const [one, two] = [records.next(), records.next()]
    await client.submit(textOf(one))
    expectRefused(await refusalOf(submit(twinOf(one))), Grpc.ALREADY_EXISTS, 'none')
    await submit(two)
    problemOf(await client.submit(textOf(twinOf(two))), 409)
  })

  it('UNAUTHENTICATED, whatever is wrong with the signature', async () => {
    const { records } = system()
    const { submitTyped } = ingestClient()
    const record = typed(records.next())
    const said = new Set<string>()
    for (const sig of [
      undefined,
      '',
      'x',
      Buffer.alloc(32).toString('base64'),
      Buffer.alloc(31).toString('base64'),
    ]) {
      const refusal = await refusalOf(submitTyped({ ...record, sig }))
      expectRefused(refusal, Grpc.UNAUTHENTICATED, 'none')
      said.add(refusal.message)
    }
    expectRefused(await refusalOf(submitTyped({ ...record, dHat: 1 })), Grpc.UNAUTHENTICATED, 'none')
    expect(said.size).toBe(1)
  })

  it('tells missing from 0', async () => {
    const { records } = system()
    const { submit, submitTyped } = ingestClient()
    const zeros = records.next({ epoch: 0, seed: 0, r: 0, budget: 0.546, coh_star: 0.73 })
    const { result } = await submit({
      ...zeros,
      ft: { outbox_seq: 0, degraded: false, fallbacks: [], clock_skew_ms: 0 },
    })
    expect(result?.httpStatus).toBe(200)
    const missing: Partial<ingest.PcsRecord>[] = [
      { epoch: undefined },
      { seed: undefined },
      { r: undefined },
      { pcsId: undefined },
      { regime: undefined },
      { ft: undefined },
      { scales: [] },
      { vStar: [] },
      { nJ: new Map() },
    ]
    const pointers = ['/epoch', '/seed', '/r', '/pcs_id', '/regime', '/ft', '/scales', '/v_star', '/N_j/2']
    for (const [index, without] of missing.entries()) {
      const refusal = await refusalOf(submitTyped({ ...typed(zeros), ...without }))
      expectRefused(refusal, Grpc.INVALID_ARGUMENT, 'violations')
      expect(refusal.violations?.map(({ field }) => field)).toContain(pointers[index])
    }
    for (const field of ['outboxSeq', 'degraded', 'clockSkewMs'] as const) {
      const ft = { outboxSeq: 1, degraded: false, fallbacks: [], clockSkewMs: 1, [field]: undefined }
      const refusal = await refusalOf(submitTyped({ ...typed(zeros), ft }))
      expect(refusal.violations?.map(({ field: place }) => place)).toEqual([
        { outboxSeq: '/ft/outbox_seq', degraded: '/ft/degraded', clockSkewMs: '/ft/clock_skew_ms' }[field],
      ])
    }
  })

  it('INVALID_ARGUMENT with every violation', async () => {
    const { records } = system()
    const record = {
      ...typed(records.next()),
      attempt: 0,
      shardId: '\n',
      dHat: Number.NaN,
      budget: Number.POSITIVE_INFINITY,
    }
    const refusal = await refusalOf(ingestClient().submitTyped(record))
    expectRefused(refusal, Grpc.INVALID_ARGUMENT, 'violations')
    expect(refusal.violations?.map(({ field }) => field).sort()).toEqual([
      '/D_hat',
      '/attempt',
      '/budget',
      '/shard_id',
    ])
  })

  it('INVALID_ARGUMENT for an empty request, and for bytes that are no message; both are in the log', async () => {
    const { wal } = system()
    const { raw, submitTyped } = ingestClient()
    await wal.untilNothingOpen(10_000) // the mark of a refusal before comes after its answer
    const from = (await wal.state()).nextSequence
    expectRefused(
      await refusalOf(submitTyped(ingest.PcsRecord.decode(Buffer.alloc(0)))),
      Grpc.INVALID_ARGUMENT,
      'violations',
    )
    const call = (bytes: Buffer) =>
      new Promise((resolve, reject) => {
        const identity = (value: Buffer): Buffer => value
        const path = ingest.IngestServiceService.submit.path
        raw.makeUnaryRequest(path, identity, identity, bytes, (error, value) =>
          error ? reject(error) : resolve(value),
        )
      })
    // Field 1, and less bytes than it says; a record whose epoch is a text; nothing at all.
    const broken = ['0aff01', '0a03 2a01 78', '', 'ffffffffff']
    for (const hex of broken) {
      const refusal = await refusalOf(call(Buffer.from(hex.replaceAll(' ', ''), 'hex')))
      expectRefused(refusal, Grpc.INVALID_ARGUMENT, 'violations')
    }
    await wal.untilNothingOpen(10_000)
    const statuses = (await wal.marks(from)).map(({ mark }) => mark?.status)
    expect(statuses).toEqual(Array.from({ length: broken.length + 1 }, () => 400))
  })

  it('RESOURCE_EXHAUSTED without RetryInfo for a record that is too large; it leaves no trace', async () => {
    const { records, wal } = system()
    const before = (await wal.state()).nextSequence
    const refusal = await refusalOf(ingestClient().submit(heavy(records.next(), 66_000)))
    expectRefused(refusal, Grpc.RESOURCE_EXHAUSTED, 'none')
    expect((await wal.state()).nextSequence).toBe(before)
  })

  it('RESOURCE_EXHAUSTED with RetryInfo when the rate is used up', async () => {
    const { records } = system()
    const { grpcAddress } = await startBranch(system(), { gateway: { TOKEN_RATE: '1' } })
    const { submit } = ingestClient(grpcAddress)
    const calls = await Promise.allSettled(Array.from({ length: 20 }, () => submit(records.next())))
    expect(calls.some(({ status }) => status === 'fulfilled')).toBe(true)
    const refused = calls.filter((call) => call.status === 'rejected')
    expect(refused.length).toBeGreaterThan(0)
    for (const { reason } of refused) {
      const refusal = await refusalOf(Promise.reject(reason))
      expectRefused(refusal, Grpc.RESOURCE_EXHAUSTED, 'retry')
      expect(refusal.retryAfterMs).toBeGreaterThan(0)
      expect(refusal.retryAfterMs).toBeLessThanOrEqual(1_000)
    }
  })

  it('UNAVAILABLE with RetryInfo during an outage; then it is finished by replay', async () => {
    const { records, constellation, wal } = system()
    const { submit, outcome } = ingestClient()
    await constellation.stopOne('verifier')
    const record = records.next()
    const refusal = await refusalOf(submit(record))
    expectRefused(refusal, Grpc.UNAVAILABLE, 'retry')
    expect(refusal.retryAfterMs).toBeGreaterThanOrEqual(5_000)
    await constellation.start('verifier')
    await constellation.untilReady()
    await wal.untilNothingOpen(30_000)
    expect((await outcome(record.pcs_id)).result?.httpStatus).toBe(200)
  })

  it('UNIMPLEMENTED for an unknown method', async () => {
    const { raw } = ingestClient()
    const call = new Promise((resolve, reject) => {
      const identity = (value: Buffer): Buffer => value
      raw.makeUnaryRequest(
        '/flk.ingest.v1.IngestService/Nothing',
        identity,
        identity,
        Buffer.alloc(0),
        (error, value) => (error ? reject(error) : resolve(value)),
      )
    })
    expect((await refusalOf(call)).code).toBe(Grpc.UNIMPLEMENTED)
  })

  it('takes a trace context and ignores a broken one', async () => {
    const { records } = system()
    const { raw } = ingestClient()
    for (const traceparent of ['00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', 'nonsense', '']) {
      const metadata = new Metadata()
      metadata.set('traceparent', traceparent)
      const answer = await new Promise<ingest.SubmitResponse>((resolve, reject) => {
        raw.submit({ record: typed(records.next()) }, metadata, (error, value) =>
          error ? reject(error) : resolve(value),
        )
      })
      expect(answer.result?.httpStatus).toBe(200)
    }
  })
})

describe('SubmitBatch', () => {
  it('answers each record in its order: an outcome or a status', async () => {
    const { records, client } = system()
    const [good, deviating, stored, dropped] = [
      records.next(),
      records.next({ budget: 0.9 }),
      records.next(),
      records.next(),
    ]
    await client.submit(textOf(stored))
    const { results } = await ingestClient().batch([
      typed(good),
      { ...typed(records.next()), attempt: 0 },
      typed(deviating),
      typed(stored),
      typed(twinOf(stored)),
      { ...typed(dropped), dHat: 1.1 },
      typed(records.next({ pcs_id: 'b'.repeat(64) })),
    ])
    expect(
      results.map(({ result }) =>
        result?.$case === 'outcome' ? result.value.httpStatus : result?.value.code,
      ),
    ).toEqual([200, Grpc.INVALID_ARGUMENT, 202, 200, Grpc.ALREADY_EXISTS, Grpc.UNAUTHENTICATED, 202])
    expect(results.map(({ result }) => result?.$case === 'outcome' && result.value.replayed)).toEqual([
      false,
      false,
      false,
      true,
      false,
      false,
      false,
    ])
    const invalid = results[1]?.result
    if (invalid?.$case !== 'error') throw new Error('the second result is no error')
    expect(refusalIn(invalid.value).violations?.map(({ field }) => field)).toEqual(['/attempt'])
  })

  it('takes 256 records, among them the same one many times', async () => {
    const { records } = system()
    const repeated = typed(records.next())
    const batch = Array.from({ length: BATCH_MAX }, (_, index) =>
      index % 4 === 0 ? repeated : typed(records.next()),
    )
    const { results } = await ingestClient().batch(batch)
    const outcomes = results.map(({ result }) => (result?.$case === 'outcome' ? result.value : undefined))
    expect(outcomes.every((outcome) => outcome?.httpStatus === 200)).toBe(true)
    expect(outcomes.filter((outcome) => outcome?.replayed)).toHaveLength(BATCH_MAX / 4 - 1)
    expect(outcomes.map((outcome) => outcome?.outcome?.pcsId)).toEqual(batch.map(({ pcsId }) => pcsId))
  })

  it('an empty one has no results', async () => {
    expect((await ingestClient().batch([])).results).toEqual([])
  })

  it('refuses more than 256 records or 4 MiB as a whole, and leaves no trace', async () => {
    const { records, wal } = system()
    const before = (await wal.state()).nextSequence
    const { batch } = ingestClient()
    const small = Array.from({ length: BATCH_MAX + 1 }, () => typed(records.next()))
    expectRefused(await refusalOf(batch(small)), Grpc.RESOURCE_EXHAUSTED, 'none')
    const large = Array.from({ length: 70 }, () => typed(heavy(records.next(), 61_000)))
    expectRefused(await refusalOf(batch(large)), Grpc.RESOURCE_EXHAUSTED, 'none')
    expect((await wal.state()).nextSequence).toBe(before)
    const justBelow = large.slice(0, 60)
    const { results } = await batch(justBelow)
    expect(results.every(({ result }) => result?.$case === 'outcome')).toBe(true)
  })

  it('takes a token for each record', async () => {
    const { records } = system()
    const { grpcAddress } = await startBranch(system(), { gateway: { TOKEN_RATE: '4' } })
    const startMs = performance.now()
    const { batch } = ingestClient(grpcAddress)
    const { results } = await batch(Array.from({ length: 20 }, () => typed(records.next())))
    const refused = results.flatMap(({ result }) =>
      result?.$case === 'error' ? [refusalIn(result.value)] : [],
    )
    const seconds = (performance.now() - startMs) / 1_000
    expect(refused.length).toBeLessThanOrEqual(16)
    expect(refused.length).toBeGreaterThanOrEqual(16 - 4 * seconds)
    for (const refusal of refused) expectRefused(refusal, Grpc.RESOURCE_EXHAUSTED, 'retry')
  })
})

/** A valid record that is made larger by what nobody judges: at most 64 KiB of it. */
function heavy(record: TestRecord, sizeBytes: number): TestRecord {
  const rocket = '🚀'
  const full = rocket.repeat(256)
  const count = Math.floor(sizeBytes / Buffer.byteLength(full))
  return {
    ...record,
    ft: { ...record.ft, fallbacks: Array.from({ length: Math.min(count, 64) }, () => full) },
  }
}
