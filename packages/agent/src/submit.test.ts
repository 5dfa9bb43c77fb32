import { inspect } from 'node:util'
import { hmacKey, parseRecord, verifySignature } from '@fractal-lba/pcs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { SubmitError, type SubmitRecordOptions, submit, submitRecord } from './submit.js'
import { problemReaction, type Reaction, ScriptedPeer } from './testing/scripted-peer.js'
import { smallCsv, smallRecord } from './testing/small-records.js'

const backoff = { baseMs: 1, capMs: 5 }
let peer: ScriptedPeer
beforeEach(async () => {
  peer = await new ScriptedPeer().start()
})
afterEach(() => peer.stop())

/** The peer reacts to the n-th arrival with the n-th reaction, then as a gateway does. */
function script(...reactions: readonly Reaction[]): void {
  peer.script = () => reactions[peer.arrivals.length - 1] ?? 'judge'
}

function send(more: Partial<SubmitRecordOptions> = {}) {
  return submitRecord(smallRecord(1), { endpoint: peer.endpoint, backoff, ...more })
}

async function errorOf(work: Promise<unknown>): Promise<SubmitError> {
  const error = await work.then(
    () => undefined,
    (caught: unknown) => caught,
  )
  if (error instanceof SubmitError) return error
  throw new Error(`no SubmitError: ${String(error)}`)
}

describe('submit', () => {
  it('builds, signs and submits, and answers the verdict', async () => {
    const key = hmacKey('testsecret')
    const input = { csv: smallCsv(1), shardId: 'shard-a', epoch: 1, seed: 1 }
    const outcome = await submit(input, { endpoint: peer.endpoint, key })
    const sent = parseRecord(Buffer.from(peer.arrivals[0]?.text ?? ''))
    expect(verifySignature(sent, { algorithm: 'hmac', keys: [key] })).toBeDefined()
    expect(outcome).toMatchObject({ pcsId: sent.pcs_id, status: 200, accepted: true, escalated: false })
    expect(outcome).toMatchObject({ replayed: false, attempts: 1 })
  })

  it('sends the same bytes again while nobody judges them', async () => {
    script(
      { status: 503 },
      'reset',
      { status: 409, body: '<html>' },
      { status: 200, body: '<html>' },
      'judge-then-reset',
    )
    expect(await send()).toMatchObject({ attempts: 6, replayed: true, accepted: true })
    expect(new Set(peer.arrivals.map(({ text }) => text)).size).toBe(1)
  })

  it('is a part of the trace of its caller, in each of its attempts, and says which one the gateway recorded', async () => {
    const traceresponse = `00-${'a'.repeat(32)}-${'c'.repeat(16)}-01`
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
    const { pcs_id: pcsId } = smallRecord(1)
    const body = JSON.stringify({ pcs_id: pcsId, accepted: true, escalated: false })
    const headers = { 'content-type': 'application/json', traceresponse }
    script({ status: 503 }, { status: 200, headers, body })
    expect((await send({ trace: { traceparent } })).traceresponse).toBe(traceresponse)
    expect(peer.arrivals.map((arrival) => arrival.traceparent)).toEqual([traceparent, traceparent])
  })

  it('waits as long as Retry-After asks for', async () => {
    script({ status: 503, headers: { 'retry-after': '1' } })
    await send()
    const [first, second] = peer.arrivals
    expect((second?.atMs ?? 0) - (first?.atMs ?? 0)).toBeGreaterThanOrEqual(990)
  })

  it.each([
    [409, 'pcs-conflict', 'conflict'],
    [400, 'malformed', 'refused'],
    [401, 'unauthenticated', 'refused'],
  ] as const)('tries no second time after a %i %s', async (status, slug, code) => {
    const problem = problemReaction(status, slug)
    script(problem)
    const error = await errorOf(send())
    expect(error).toMatchObject({ code, attempts: 1, answer: { status, body: problem.body } })
    expect(peer.arrivals).toHaveLength(1)
  })

  it.each(['https://user:sesame@host:999999', 'http://user:sesame@127.0.0.1:9', 'user:sesame@host'])(
    'never shows a password that the endpoint %s holds',
    async (endpoint) => {
      const error = await send({ endpoint, totalTimeoutMs: 200 }).catch((caught: unknown) => caught)
      expect(error).toBeInstanceOf(Error)
      expect(inspect(error, { depth: 9 })).not.toContain('sesame')
      expect(error).toMatchObject({
        name: 'UnusableEndpoint',
        message: expect.stringContaining('the endpoint must'),
      })
    },
  )

  it('gives up when its time would be over, with the last answer', async () => {
    peer.script = () => ({ status: 503 })
    const error = await errorOf(send({ totalTimeoutMs: 300 }))
    expect(error).toMatchObject({ code: 'unavailable', answer: { status: 503 } })
    expect(error.attempts).toBeGreaterThan(1)
  })

  it('waits for no answer longer than an attempt may take', async () => {
    script('hang')
    expect(await send({ attemptTimeoutMs: 200 })).toMatchObject({ attempts: 2 })
  })

  it('does not begin a wait that would end after its time', async () => {
    script({ status: 503, headers: { 'retry-after': '3600' } })
    expect(await errorOf(send({ totalTimeoutMs: 30_000 }))).toMatchObject({
      code: 'unavailable',
      attempts: 1,
    })
  })

  it.each(['hang', { status: 503, headers: { 'retry-after': '30' } }] as const)(
    'ends when its signal says so, during %j too',
    async (reaction) => {
      script(reaction)
      const error = await errorOf(send({ signal: AbortSignal.timeout(200) }))
      expect(error).toMatchObject({ code: 'aborted', attempts: 1 })
    },
  )
})
