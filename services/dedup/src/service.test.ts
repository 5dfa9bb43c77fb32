import { bytesOfVerdict, dedup, type record, verdictFromBytes } from '@fractal-lba/proto'
import {
  connect,
  fromStatus,
  grpcTransport,
  type Peer,
  ProcessClock,
  type ServiceConfig,
  serve,
} from '@fractal-lba/runtime'
import { freePort } from '@fractal-lba/test-servers'
import { describe, expect, it, onTestFinished } from 'vitest'
import { readyReport } from './ready.js'
import { dedupService } from './service.js'
import { type IndexUnderTest, indexOver, startTestWal } from './testing/index-under-test.js'
import { pcsIdOf, verdictOf } from './testing/verdicts.js'

const { FINDING_ABSENT, FINDING_CONFLICT, FINDING_DUPLICATE, FINDING_OWN } = dedup.Finding
const LIMITS = {
  lanes: 2,
  batchItemsMax: 64,
  batchBytesMax: 2 ** 20,
  queueItemsMax: 10_000,
  timeoutMs: 10_000,
}
const METRICS_PORT_FREE = '127.0.0.1:0'

interface Served {
  readonly test: IndexUnderTest
  readonly peer: Peer<typeof dedup.DedupServiceService>
  readonly lookup: (item: dedup.LookupItem) => Promise<dedup.Answer>
  readonly put: (item: dedup.PutItem) => Promise<dedup.Answer>
}

/** The service over a real socket, its index over a real connection to a test wal. */
async function served(
  options: { readonly idsMax?: number; readonly filled?: boolean } = {},
): Promise<Served> {
  const wal = await startTestWal()
  const test = indexOver([wal.address], options)
  const { index, store, metrics, maintenance, logger, registry, keeper, availability } = test
  const stopping = new AbortController()
  const port = await freePort()
  const config: ServiceConfig = {
    grpcAddress: `127.0.0.1:${port}`,
    metricsAddress: METRICS_PORT_FREE,
    logLevel: 'fatal',
    metricsAuth: undefined,
    stopGraceMs: 1_000,
    clockOffsetMaxMs: 300_000,
  }
  const clock = new ProcessClock({ limitMs: 300_000 })
  const draining = stopping.signal
  const running = await serve(
    config,
    {
      logger,
      registry,
      transport: grpcTransport,
      clock,
      stopping: draining,
      fatal: (error) => expect.unreachable(error.message),
    },
    {
      services: [
        dedupService({
          ...{ index, store, availability, maintenance, metrics, clock, logger },
          confirmClock: async (operatorClockMs) => clock.confirm(operatorClockMs),
        }),
      ],
      ready: () => readyReport(keeper, store),
      close: async () => {},
    },
  )
  const peer = connect(dedup.DedupServiceService, {
    service: 'dedup',
    address: config.grpcAddress,
    limits: LIMITS,
  })
  const plain = { answer: (result: dedup.Answer) => result, idempotent: true }
  const lookups = peer.batches('lookupBatches', { ...plain, sizeBytes: () => 200 })
  const puts = peer.batches('putIfAbsentBatches', { ...plain, sizeBytes: () => 700 })
  onTestFinished(async () => {
    peer.close()
    stopping.abort()
    await running.stop()
  })
  if (options.filled !== false) {
    test.run()
    await test.answering()
  }
  return { test, peer, lookup: (item) => lookups.call(item), put: (item) => puts.call(item) }
}

const NO_BYTES = Buffer.alloc(0)
const first = verdictOf('a', { content: 'x', sequence: 1 })
const same = verdictOf('a', { content: 'x', sequence: 2 })
const other = verdictOf('a', { content: 'y', sequence: 3 })
const asks = (verdict: typeof first): dedup.LookupItem => ({
  pcsId: verdict.outcome.pcsId,
  fingerprint: verdict.fingerprint,
  origin: verdict.origin,
})
const brings = (verdict: record.Verdict): dedup.PutItem => ({
  verdict: bytesOfVerdict(verdict),
})

describe('the service, over streams of batches', () => {
  it('looks up and puts, each answer with the generation of the index', async () => {
    const { test, lookup, put } = await served()
    const generation = await test.answering()
    const error = undefined
    expect(await lookup(asks(first))).toEqual({
      error,
      finding: FINDING_ABSENT,
      verdict: NO_BYTES,
      generation,
    })
    // Its own is not repeated to it.
    expect(await put(brings(first))).toEqual({ error, finding: FINDING_OWN, verdict: NO_BYTES, generation })
    const answers = await Promise.all([
      lookup(asks(same)),
      lookup(asks(other)),
      put(brings(other)),
      put(brings(first)),
    ])
    expect(answers).toEqual(
      [FINDING_DUPLICATE, FINDING_CONFLICT, FINDING_CONFLICT, FINDING_OWN].map((finding) => ({
        ...{ error, finding, verdict: bytesOfVerdict(first), generation },
      })),
    )
  })

  it('lets one of 64 racing copies and conflicting twins win', async () => {
    const { put } = await served()
    const racers = Array.from({ length: 64 }, (_, racer) =>
      verdictOf('raced', { content: racer % 2 === 0 ? 'x' : 'y', sequence: racer + 1 }),
    )
    const answers = await Promise.all(racers.map((verdict) => put(brings(verdict))))
    const count = (wanted: dedup.Finding): number =>
      answers.filter(({ finding }) => finding === wanted).length
    expect([FINDING_OWN, FINDING_DUPLICATE, FINDING_CONFLICT].map(count)).toEqual([1, 31, 32])
    const told = answers.filter(({ finding }) => finding !== FINDING_OWN)
    const winner = 1 + answers.findIndex(({ finding }) => finding === FINDING_OWN)
    expect(new Set(told.map(({ verdict }) => verdictFromBytes(verdict)?.origin?.sequence))).toEqual(
      new Set([winner]),
    )
  })

  it('tells each item its own error, and serves the others of its batch', async () => {
    const { lookup, put } = await served()
    const answers = await Promise.all([
      lookup({ ...asks(first), pcsId: 'A'.repeat(64) }),
      lookup(asks(first)),
      lookup({ ...asks(first), fingerprint: Buffer.alloc(32) }),
      lookup({ ...asks(first), origin: { logId: '', sequence: 1 } }),
      put({ verdict: Buffer.of(0xff) }),
      put(brings({ ...first, parameters: undefined })),
      put(brings({ ...first, outcome: { ...first.outcome, message: 'x'.repeat(10_000) } })),
      put(brings(other)),
    ])
    const codes = answers.map(({ error }) => (error ? fromStatus(error).code : 'none'))
    const bad = 'malformed'
    expect(codes).toEqual([bad, 'none', bad, bad, bad, bad, bad, 'none'])
    expect(answers[7]).toMatchObject({ finding: FINDING_OWN })
  })

  it('answers each item with unavailable while it is not filled, and the stream lives on', async () => {
    const { test, lookup, put } = await served({ filled: false })
    for (const answer of await Promise.all([lookup(asks(first)), put(brings(first))])) {
      expect(answer.error && fromStatus(answer.error)).toMatchObject({
        code: 'unavailable',
        message: /not been filled/,
      })
    }
    test.run()
    await test.answering()
    expect(await lookup(asks(first))).toMatchObject({ error: undefined, finding: FINDING_ABSENT })
  })
})

describe('the service, by single calls', () => {
  it('does the same as by batches', async () => {
    const { test, peer } = await served()
    const generation = await test.answering()
    const lookup = (verdict: typeof first) => peer.unary('lookup', { item: asks(verdict) })
    const put = (verdict: typeof first) => peer.unary('putIfAbsent', { item: brings(verdict) })
    const get = (pcsId: string) => peer.unary('get', { pcsId })
    expect(await lookup(first)).toMatchObject({ answer: { finding: FINDING_ABSENT, generation } })
    await expect(get(pcsIdOf('a'))).rejects.toMatchObject({ code: 'pcs_not_found' })
    expect(await put(first)).toMatchObject({ answer: { finding: FINDING_OWN, verdict: NO_BYTES } })
    expect(await put(other)).toMatchObject({
      answer: { finding: FINDING_CONFLICT, verdict: bytesOfVerdict(first) },
    })
    expect(await lookup(same)).toMatchObject({
      answer: { finding: FINDING_DUPLICATE, verdict: bytesOfVerdict(first) },
    })
    expect(await get(pcsIdOf('a'))).toEqual({ verdict: first })
    await expect(get('a')).rejects.toMatchObject({ code: 'malformed' })
    await expect(peer.unary('lookup', { item: undefined })).rejects.toMatchObject({
      code: 'malformed',
    })
  })

  it('tells its state: filling, then open, then full', async () => {
    const { test, peer } = await served({ filled: false, idsMax: 1 })
    const state = () => peer.unary('getState', {})
    const common = { backend: 'memory', remembered: 0, storeDown: false }
    expect(await state()).toEqual({
      ...{ ...common, takesPuts: false, answers: false, generation: '' },
      refusal: 'the index has not been filled from the log yet',
    })
    await expect(peer.unary('get', { pcsId: pcsIdOf('a') })).rejects.toMatchObject({
      code: 'unavailable',
    })
    expect(readyReport(test.keeper, test.store).status).toBe('not_ready')
    test.run()
    const generation = await test.answering()
    expect(await state()).toEqual({ ...common, takesPuts: true, answers: true, refusal: '', generation })
    expect(readyReport(test.keeper, test.store)).toEqual({
      status: 'ready',
      dependencies: { store: { state: 'up' }, wal: { state: 'up' } },
    })
    await peer.unary('putIfAbsent', { item: brings(first) })
    expect(await state()).toMatchObject({
      ...{ takesPuts: false, answers: true, remembered: 1, generation },
      refusal: expect.stringContaining('DEDUP_MEMORY_MAX=1'),
    })
    const put = peer.unary('putIfAbsent', { item: brings(verdictOf('b')) })
    await expect(put).rejects.toMatchObject({ code: 'unavailable', message: /DEDUP_MEMORY_MAX=1/ })
    expect(readyReport(test.keeper, test.store)).toMatchObject({
      status: 'degraded',
      dependencies: { store: { state: 'full' } },
    })
  })

  it('observes each batch once, by backend and operation', async () => {
    const { test, peer, lookup } = await served()
    await lookup(asks(first))
    await peer.unary('putIfAbsent', { item: brings(first) })
    await peer.unary('get', { pcsId: pcsIdOf('a') })
    const text = await test.registry.metrics()
    for (const operation of ['lookup', 'put', 'get']) {
      expect(text).toContain(
        `dedup_operation_duration_seconds_count{backend="memory",operation="${operation}"} 1`,
      )
    }
    expect(text).toMatch(/^dedup_remembered_ids 1$/m)
    expect(text).toMatch(/^dedup_store_up\{backend="memory"\} 1$/m)
    expect(text).toMatch(/^dedup_findings_total\{operation="lookup",finding="absent"\} 1$/m)
    expect(text).toMatch(/^dedup_findings_total\{operation="put",finding="own"\} 1$/m)
    expect(text).toMatch(/^dedup_clock_jump_seconds 0$/m)
  })
})
