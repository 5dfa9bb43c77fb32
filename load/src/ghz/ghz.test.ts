import { readdirSync, readFileSync } from 'node:fs'
import { ingest, record, scoring, verifier } from '@fractal-lba/proto'
import { describe, expect, it } from 'vitest'
import { type CallContext, ghzCalls } from './calls.js'
import { freshRecords } from './messages.js'
import { outcomeOf } from './run-ghz.js'

interface Config {
  readonly call: string
  readonly async: boolean
  readonly rps: number
  readonly 'data-file': string
}

const directory = new URL('../../ghz/', import.meta.url)
const names = readdirSync(directory).map((file) => file.replace(/\.json$/, ''))
const configOf = (name: string) =>
  JSON.parse(readFileSync(new URL(`${name}.json`, directory), 'utf8')) as Config

const SECRET = 'a key for tests'
const context = (): CallContext => ({
  fresh: (count) => freshRecords(count, SECRET),
  submitted: [...freshRecords(2, SECRET)],
  open: () => Promise.resolve({ logId: '0'.repeat(32), sequences: [1, 2, 3] }),
})

/** Methods whose load says something: those that a record's way takes, and what reads its outcome. */
const services = [
  ['flk.ingest.v1.IngestService', Object.keys(ingest.IngestServiceService)],
  ['flk.verifier.v1.VerifierService', Object.keys(verifier.VerifierServiceService)],
  ['flk.scoring.v1.ScoringService', Object.keys(scoring.ScoringServiceService)],
  ['flk.dedup.v1.DedupService', ['lookup', 'lookupBatches', 'putIfAbsent', 'putIfAbsentBatches', 'get']],
  ['flk.wal.v1.WalService', ['append', 'appendBatches', 'markDone', 'markDoneBatches', 'readMarks']],
] as const

describe('the configurations of ghz', () => {
  it('are one for each RPC of a record, unary and as a stream', () => {
    const wanted = services.flatMap(([service, methods]) =>
      methods.map((method) => `${service}.${method[0]?.toUpperCase()}${method.slice(1)}`),
    )
    expect(names.map((name) => configOf(name).call).sort()).toEqual(wanted.sort())
    expect(ghzCalls.map(({ name }) => name).sort()).toEqual(names.sort())
  })

  it.each(names)('%s is an open loop, over data of its own', (name) => {
    const { async, rps, 'data-file': data } = configOf(name)
    expect([async, rps > 0, data]).toEqual([true, true, `load/report/ghz/${name}.json`])
  })

  it.each(ghzCalls.map((call) => [call.name, call] as const))('%s has messages', async (_, call) => {
    const messages = await call.messages(context(), 3)
    expect(messages.length).toBeGreaterThan(0)
    expect(() => JSON.stringify(messages)).not.toThrow()
  })
})

describe('messages', () => {
  const messagesOf = async <Sent>(name: string, count: number): Promise<readonly Sent[]> => {
    const call = ghzCalls.find((found) => found.name === name)
    return ((await call?.messages(context(), count)) ?? []) as unknown as readonly Sent[]
  }

  it('carry verified records and verdicts as bytes that the services read', async () => {
    type Batch = { items: { record: string; verdict: string }[] }
    const [judged] = await messagesOf<Batch>('judge-batches', 1)
    const verified = record.VerifiedRecord.decode(Buffer.from(judged?.items[0]?.record ?? '', 'base64'))
    expect(verified).toMatchObject({ idMatches: true, pcsId: expect.stringMatching(/^[0-9a-f]{64}$/) })
    expect(verified.counts).toHaveLength(verified.scales.length)
    const [put] = await messagesOf<Batch>('put-if-absent-batches', 1)
    const verdict = record.Verdict.decode(Buffer.from(put?.items[0]?.verdict ?? '', 'base64'))
    expect(verdict).toMatchObject({ outcome: { accepted: true }, fingerprint: expect.any(Buffer) })
    expect(verdict.fingerprint).toHaveLength(33)
  })

  it('give each call a record of its own', async () => {
    const sent = await messagesOf<{ record: { pcs_id: string } }>('submit', 50)
    expect(new Set(sent.map(({ record: { pcs_id } }) => pcs_id)).size).toBe(50)
  })
})

it('reads what ghz reports', () => {
  const report = {
    ...{ count: 10, total: 2e9, slowest: 9e6, rps: 5, statusCodeDistribution: { OK: 9, Unavailable: 1 } },
    latencyDistribution: [50, 95, 99].map((percentage) => ({ percentage, latency: percentage * 1e5 })),
  }
  const outcome = outcomeOf({ name: 'submit' }, 6, report)
  expect(outcome.part).toEqual({
    ...{ name: 'submit', asked: 6, count: 10, perSecond: 5, failed: 1, p50Ms: 5, p95Ms: 9.5, p99Ms: 9.9 },
  })
  expect([outcome.maxMs, outcome.elapsedMs]).toEqual([9, 2_000])
})
