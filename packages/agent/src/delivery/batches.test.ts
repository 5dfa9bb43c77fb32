import { pcsId } from '@fractal-lba/pcs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Exchange } from '../exchange.js'
import { Outbox } from '../outbox/index.js'
import { recordText } from '../record/record-text.js'
import { problemReaction, type Reaction, ScriptedPeer, verdictOn } from '../testing/scripted-peer.js'
import { smallRecord, smallRecordBytes } from '../testing/small-records.js'
import { TemporaryFolders } from '../testing/temporary-folder.js'
import { BatchUse, lineAnswers } from './batches.js'
import { type Attempt, Deliverer, Sender } from './index.js'

const folders = new TemporaryFolders()
let peer: ScriptedPeer
let outbox: Outbox
let attempts: Attempt[] = []
let ends: (() => Promise<void> | void)[] = []

const rethrow = (error: Error): void => {
  throw error
}

beforeEach(async () => {
  peer = await new ScriptedPeer().start()
  outbox = await Outbox.open(folders.make(), { onFatal: rethrow })
  attempts = []
  ends = [() => peer.stop(), () => outbox.close()]
})
afterEach(async () => {
  for (const end of ends.reverse()) await end()
  folders.remove()
})

function newSender(): Sender {
  const deliverer = new Deliverer({ endpoint: new URL(peer.endpoint), timeoutMs: 10_000, connectionsMax: 8 })
  const sender = new Sender({
    outbox,
    deliver: deliverer.deliver,
    deliverBatch: deliverer.deliverBatch,
    inFlightMax: 8,
    backoff: { baseMs: 5, capMs: 50 },
    onFatal: rethrow,
    onAttempt: (attempt) => attempts.push(attempt),
  })
  ends.push(async () => {
    await sender.stop(0)
    deliverer.close()
  })
  return sender
}

const made = smallRecord(1)

/** Each under an id of its own, as if it were of another epoch. */
async function add(count: number): Promise<void> {
  const { merkle_root, shard_id } = made
  const ofEpoch = (epoch: number) => ({ ...made, epoch, pcs_id: pcsId(merkle_root, epoch, shard_id) })
  await Promise.all(upTo(count).map((epoch) => outbox.add(Buffer.from(recordText(ofEpoch(epoch))))))
}

const seqs = (): readonly number[] => peer.arrivals.map(({ outboxSeq }) => outboxSeq)
const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index + 1)
const first =
  (...reactions: readonly Reaction[]) =>
  ({ times }: { readonly times: number }): Reaction =>
    reactions[times - 1] ?? 'judge'

describe('more than a few records', () => {
  it('2,000 that wait leave in four requests, in order, each once', async () => {
    await add(2_000)
    await newSender().whenIdle()
    expect(peer.batches).toEqual([500, 500, 500, 500])
    expect(seqs()).toEqual(upTo(2_000))
    expect(outbox.counts).toEqual({ pending: 0, acknowledged: 2_000, dead: 0, conflict: 0 })
    expect(new Set(attempts.map(({ seq }) => seq)).size).toBe(2_000)
    const [attempt] = attempts
    expect(attempt).toMatchObject({ result: 'acknowledged', answer: { status: 200, replayed: false } })
  })

  it('a few go each by itself', async () => {
    await add(8)
    await newSender().whenIdle()
    expect([peer.batches, seqs().length]).toEqual([[], 8])
  })

  it('go each by itself to a gateway without batches, and are asked for again only later', async () => {
    peer.takesBatches = false
    await add(40)
    await newSender().whenIdle()
    expect(peer.batches).toEqual([])
    expect([...seqs()].sort((a, b) => a - b)).toEqual(upTo(40))
    expect(outbox.counts.acknowledged).toBe(40)
    expect(attempts.map(({ result }) => result)).toEqual(Array(40).fill('acknowledged'))
  })

  it('go in smaller batches where something on the way takes no large ones', async () => {
    peer.batchScript = (lines) => (lines > 30 ? { status: 413 } : undefined)
    await add(100)
    await newSender().whenIdle()
    expect(peer.batches).toEqual([25, 25, 25, 25])
    expect(seqs()).toEqual(upTo(100))
  })

  it('are settled line by line: what is refused harms no other, what is limited waits as it is told', async () => {
    const [dead, limited] = [7, 9]
    peer.script = (arrival) => {
      if (arrival.outboxSeq === dead) return problemReaction(400, 'malformed')
      if (arrival.outboxSeq < limited) return 'judge'
      const { status, headers, body } = problemReaction(429, 'rate-limited')
      return first({ status, headers: { ...headers, 'retry-after': '1' }, body })(arrival)
    }
    await add(12)
    const startMs = performance.now()
    await newSender().whenIdle()
    expect(outbox.counts).toEqual({ pending: 0, acknowledged: 11, dead: 1, conflict: 0 })
    const again = peer.arrivals.slice(12)
    expect(again.map(({ outboxSeq }) => outboxSeq).sort((a, b) => a - b)).toEqual([9, 10, 11, 12])
    expect((again[0]?.atMs ?? 0) - startMs).toBeGreaterThanOrEqual(1_000)
  })

  it.each([
    { name: 'a 503', whole: { status: 503, headers: { 'retry-after': '1' } } },
    { name: 'a page of something else', whole: { status: 200, body: '<html>' } },
    { name: 'a 400 of the whole', whole: problemReaction(400, 'malformed') },
  ])('$name settles none of them: one asks whether it is better, then all come', async ({ whole }) => {
    let left = 1
    peer.batchScript = () => (left-- > 0 ? whole : undefined)
    await add(30)
    await newSender().whenIdle()
    expect(outbox.counts).toEqual({ pending: 0, acknowledged: 30, dead: 0, conflict: 0 })
    expect(peer.firstVerdicts.size).toBe(30)
  })

  it('whose answers break off are sent again, and judged once', async () => {
    peer.script = (arrival) => (arrival.outboxSeq === 20 ? first('reset')(arrival) : 'judge')
    await add(30)
    await newSender().whenIdle()
    expect(outbox.counts.acknowledged).toBe(30)
    expect([...peer.firstVerdicts.values()]).toEqual(Array(30).fill(1))
    const replayed = attempts.filter(
      (attempt) => attempt.result === 'acknowledged' && attempt.answer.replayed,
    )
    expect(replayed).toHaveLength(19)
  })

  it('that are printed over several lines go by themselves', async () => {
    const pretty = (number: number) =>
      Buffer.from(JSON.stringify(JSON.parse(smallRecordBytes(number).toString()), null, 1))
    for (const number of upTo(10)) await outbox.add(number === 4 ? pretty(number) : smallRecordBytes(number))
    await newSender().whenIdle()
    expect([...seqs()].sort((a, b) => a - b)).toEqual(upTo(10))
    expect(peer.batches).toEqual([3])
    expect(peer.arrivals.find(({ outboxSeq }) => outboxSeq === 4)?.text).toContain('\n')
  })
})

it('a batch is asked for again after ten minutes', () => {
  const use = new BatchUse()
  expect([use.recordsOf(8, 0), use.recordsOf(9, 0), use.recordsOf(2_000, 0)]).toEqual([0, 9, 500])
  expect(use.refused({ status: 404 } as Exchange, 9, 0)).toBe(true)
  expect([use.recordsOf(9, 599_999), use.recordsOf(9, 600_000)]).toEqual([0, 9])
})

describe('the answers to lines', () => {
  const answer = (body: string): Exchange => ({
    ...{ status: 200, replayed: false, contentType: 'application/x-ndjson', retryAfter: undefined },
    ...{ date: undefined, body },
  })

  it('keep the body of an outcome byte for byte', () => {
    const outcome = verdictOn('a').replace(':', ': ')
    const [line] =
      lineAnswers(answer(`{"line":1,"status":202,"replayed":true,"outcome":${outcome}}\n`), 1) ?? []
    expect(line).toMatchObject({
      status: 202,
      replayed: true,
      contentType: 'application/json',
      body: outcome,
    })
  })

  it('tell how long to wait', () => {
    const [, line] = lineAnswers(answer('{"line":2,"status":429,"retry_after":7,"problem":{"a":1}}'), 2) ?? []
    expect(line).toMatchObject({ status: 429, retryAfter: '7', body: '{"a":1}' })
    expect(line?.contentType).toBe('application/problem+json')
  })

  it.each([
    '{"line":0,"status":200}',
    '{"line":1.5,"status":200}',
    '{"line":9e9,"status":200}',
    'x',
    '[]',
    '',
  ])('are none for %s', (body) =>
    expect(lineAnswers(answer(body), 2)?.filter((line) => line !== undefined)).toEqual([]),
  )
})
