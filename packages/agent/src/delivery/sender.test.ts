import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { nodeOutboxFiles } from '../outbox/files.js'
import { Outbox, OutboxError, type OutboxOptions } from '../outbox/index.js'
import { problemReaction, type Reaction, ScriptedPeer } from '../testing/scripted-peer.js'
import { smallRecordBytes } from '../testing/small-records.js'
import { TemporaryFolders } from '../testing/temporary-folder.js'
import { until } from '../testing/until.js'
import { type Attempt, Deliverer, Sender, type SenderOptions } from './index.js'

const folders = new TemporaryFolders()
let peer: ScriptedPeer
let outbox: Outbox
let ends: (() => Promise<void> | void)[] = []
let attempts: Attempt[] = []

beforeEach(async () => {
  peer = await new ScriptedPeer().start()
  outbox = await openOutbox(folders.make())
  attempts = []
  ends = [() => peer.stop(), () => outbox.close()]
})
afterEach(async () => {
  for (const end of ends.reverse()) await end()
  folders.remove()
})

const rethrow = (error: Error): void => {
  throw error
}

function openOutbox(directory: string, options: Partial<OutboxOptions> = {}): Promise<Outbox> {
  return Outbox.open(directory, { segmentBytes: 262_144, onFatal: rethrow, ...options })
}

function newSender(options: Partial<SenderOptions & { timeoutMs: number }> = {}): Sender {
  const deliverer = new Deliverer({
    endpoint: new URL(peer.endpoint),
    timeoutMs: options.timeoutMs ?? 10_000,
    connectionsMax: 8,
  })
  const sender = new Sender({
    outbox,
    deliver: deliverer.deliver,
    inFlightMax: 8,
    backoff: { baseMs: 5, capMs: 50 },
    onFatal: rethrow,
    onAttempt: (attempt) => attempts.push(attempt),
    ...options,
  })
  ends.push(async () => {
    await sender.stop(0)
    deliverer.close()
  })
  return sender
}

async function add(count: number, from = 1): Promise<string[]> {
  const added = []
  for (let number = from; number < from + count; number++) {
    added.push((await outbox.add(smallRecordBytes(number))).pcsId)
  }
  return added
}

/** Reacts to the first arrivals of each record as told, then as a gateway does. */
const first =
  (...reactions: readonly Reaction[]) =>
  ({ times }: { readonly times: number }): Reaction =>
    reactions[times - 1] ?? 'judge'

describe('a sender', () => {
  it('brings each record once, in order, and keeps the verdict', async () => {
    const ids = await add(5)
    const sender = newSender({ inFlightMax: 1 })
    await sender.whenIdle()
    expect(peer.arrivals.map(({ pcsId, outboxSeq }) => [pcsId, outboxSeq])).toEqual(
      ids.map((id, index) => [id, index + 1]),
    )
    expect(outbox.counts).toEqual({ pending: 0, acknowledged: 5, dead: 0, conflict: 0 })
    expect(attempts.map(({ result }) => result)).toEqual(Array(5).fill('acknowledged'))
    // what is added while it runs goes at once
    const [later = ''] = await add(1, 6)
    await until('the sixth arrives', () => peer.arrivalsOf(later).length === 1)
  })

  it('has no more under way than it may', async () => {
    await add(20)
    const deliverer = new Deliverer({
      endpoint: new URL(peer.endpoint),
      timeoutMs: 5_000,
      connectionsMax: 20,
    })
    let release = (): void => undefined
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    let underWay = 0
    let most = 0
    const sender = newSender({
      inFlightMax: 3,
      deliver: async (record, signal) => {
        underWay += 1
        most = Math.max(most, underWay)
        try {
          await released
          return await deliverer.deliver(record, signal)
        } finally {
          underWay -= 1
        }
      },
    })
    sender.start()
    await until('all that may be are under way', () => underWay >= 3)
    release()
    await until('all are delivered', () => outbox.counts.pending === 0)
    deliverer.close()
    expect(most).toBe(3)
  })

  it.each<[string, Reaction]>([
    ['408', { status: 408 }],
    ['429', { status: 429 }],
    ['502', { status: 502 }],
    ['503', { status: 503 }],
    ['504', { status: 504 }],
    [
      '503 with a date that has passed',
      { status: 503, headers: { 'retry-after': 'Wed, 01 Jul 2020 12:00:00 GMT' } },
    ],
    ['a reset', 'reset'],
    ['an answer that gets lost', 'judge-then-reset'],
    ['a 200 without a verdict', { status: 200, body: '<html>' }],
    ['a captive portal', { status: 302, headers: { location: 'http://login.invalid/' }, body: '<html>' }],
    ['a 409 that is a page', { status: 409, headers: { 'content-type': 'text/html' }, body: '<html>' }],
    ['a 409 of another service', { status: 409, headers: { 'content-type': 'application/problem+json' } }],
    ['403', { status: 403 }],
    ['404', { status: 404 }],
    ['500', { status: 500 }],
    ['511', { status: 511 }],
    ['521', { status: 521 }],
  ])('sends the same bytes again after %s', async (_, reaction) => {
    const [id = ''] = await add(1)
    peer.script = first(reaction, reaction)
    await newSender().whenIdle()
    const arrivals = peer.arrivalsOf(id)
    expect(arrivals).toHaveLength(3)
    expect(new Set(arrivals.map(({ text }) => text)).size).toBe(1)
    expect(attempts.map(({ result }) => result)).toEqual(['retry', 'retry', 'acknowledged'])
    const replayed = reaction === 'judge-then-reset'
    expect(attempts.at(-1)).toMatchObject({ answer: { status: 200, replayed } })
    expect(peer.stored.size).toBe(1)
  })

  it('sends again after a hang, and lets the others pass meanwhile', async () => {
    const [stuck = ''] = await add(10)
    peer.script = ({ pcsId, times }) => (pcsId === stuck && times === 1 ? 'hang' : 'judge')
    const sender = newSender({ inFlightMax: 2, timeoutMs: 5_000 })
    sender.start()
    await until('the others are through', () => outbox.counts.acknowledged === 9)
    expect(outbox.counts.pending).toBe(1)
    await sender.whenIdle()
    const again = attempts.filter(({ pcsId, result }) => pcsId === stuck && result === 'retry')
    expect(again[0]).toMatchObject({ why: expect.stringContaining('within 5000 ms') })
    expect(outbox.counts.acknowledged).toBe(10)
    expect(attempts.at(-1)).toMatchObject({ pcsId: stuck })
  })

  it('does not let one that nobody can judge hold up the others', async () => {
    const [stuck = ''] = await add(30)
    peer.script = ({ pcsId }) => (pcsId === stuck ? { status: 503 } : 'judge')
    const sender = newSender({ inFlightMax: 4 })
    sender.start()
    await until('all others are acknowledged', () => outbox.counts.acknowledged === 29)
    expect(outbox.counts.pending).toBe(1)
    peer.script = () => 'judge'
    await sender.whenIdle()
  })

  it('waits as long as Retry-After asks, with all of them', async () => {
    await add(4)
    let refusedAtMs = 0
    peer.script = ({ atMs, outboxSeq, times }) => {
      if (outboxSeq !== 1 || times > 1) return 'judge'
      refusedAtMs = atMs
      return { status: 503, headers: { 'retry-after': '1' } }
    }
    await newSender({ inFlightMax: 1 }).whenIdle()
    const later = peer.arrivals.filter(({ atMs }) => atMs > refusedAtMs)
    expect(later).toHaveLength(4)
    for (const { atMs } of later) expect(atMs - refusedAtMs).toBeGreaterThanOrEqual(1_000)
  })

  it.each(['0', 'Wed, 01 Jul 2020 12:00:00 GMT'])(
    'backs off from a 503 with Retry-After: %s',
    async (retryAfter) => {
      await add(200)
      peer.script = () => ({ status: 503, headers: { 'retry-after': retryAfter } })
      newSender({ backoff: { baseMs: 200, capMs: 1_000 } }).start()
      await new Promise((resolve) => setTimeout(resolve, 1_500))
      // the first eight go together
      expect(peer.arrivals.length).toBeLessThan(30)
    },
  )

  it('keeps a refusal with its problem, and a conflict, and sends neither again', async () => {
    const ids = await add(3)
    peer.script = ({ outboxSeq }) => (outboxSeq === 1 ? problemReaction(401, 'unauthenticated') : 'judge')
    peer.stored.set(ids[1] ?? '', 'what came first')
    await newSender().whenIdle()
    expect(peer.arrivals).toHaveLength(3)
    expect([...outbox.entries()].map(({ state }) => state)).toEqual(['dead', 'conflict', 'acknowledged'])
    await outbox.revive(1)
    peer.script = () => 'judge'
    await until('it is sent again', () => outbox.counts.acknowledged === 2)
  })

  it('backs off while something else than the gateway answers, and keeps all of it pending', async () => {
    await add(180)
    peer.script = () => ({ status: 302, headers: { location: 'http://login.invalid/' } })
    const sender = newSender({ backoff: { baseMs: 100, capMs: 1_000 } })
    sender.start()
    await until('it has knocked again', () => attempts.length > 10)
    expect(outbox.counts).toEqual({ pending: 180, acknowledged: 0, dead: 0, conflict: 0 })
    expect(sender.endpointIsDown).toBe(true)
    expect(peer.arrivals.length).toBeLessThan(20)
    peer.script = () => 'judge'
    await sender.whenIdle()
    expect(outbox.counts.acknowledged).toBe(180)
  })

  it('begins with what is pending when it starts, also after a compaction', async () => {
    const directory = folders.make()
    await outbox.close()
    outbox = await openOutbox(directory)
    const ids = await add(3)
    await outbox.compact()
    await outbox.close()
    outbox = await openOutbox(directory)
    await newSender({ inFlightMax: 1 }).whenIdle()
    expect(peer.arrivals.map(({ pcsId }) => pcsId)).toEqual(ids)
  })

  it('knocks with one record while nobody listens, and goes on when somebody does', async () => {
    await add(50)
    const { port } = peer
    await peer.stop()
    const sender = newSender()
    sender.start()
    await until('it has tried some times', () => attempts.length >= 10)
    expect(sender.endpointIsDown).toBe(true)
    // the first eight were under way at once, then one at a time
    expect(new Set(attempts.map(({ seq }) => seq)).size).toBeLessThan(50)
    await peer.start(port)
    await sender.whenIdle()
    expect(sender.endpointIsDown).toBe(false)
    expect(peer.stored.size).toBe(50)
  })

  it('tells once of a record that cannot be read, and sends the others', async () => {
    await add(3)
    const read = outbox.read.bind(outbox)
    let reads = 0
    outbox.read = async (seq) => {
      if (seq !== 2) return read(seq)
      reads += 1
      throw new OutboxError('damaged', 'the record with outbox_seq 2 cannot be read')
    }
    const sender = newSender()
    await sender.whenIdle()
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(reads).toBe(1)
    expect(outbox.counts).toEqual({ pending: 1, acknowledged: 2, dead: 0, conflict: 0 })
    expect(attempts.filter(({ result }) => result === 'unreadable')).toEqual([
      {
        result: 'unreadable',
        seq: 2,
        pcsId: expect.any(String),
        why: expect.stringContaining('cannot be read'),
      },
    ])
    expect(sender.unreadable).toBe(1)
    expect(sender.endpointIsDown).toBe(false)
  })

  it('lets what is under way finish when it stops, for a while', async () => {
    await add(2)
    peer.script = ({ outboxSeq }) => (outboxSeq === 1 ? 'judge' : 'hang')
    const sender = newSender({ inFlightMax: 2 })
    sender.start()
    await until('both are there', () => peer.arrivals.length === 2)
    await until('one is acknowledged', () => outbox.counts.acknowledged === 1)
    await sender.stop(50)
    expect(outbox.counts).toMatchObject({ pending: 1, acknowledged: 1 })
    await outbox.add(smallRecordBytes(3))
    expect(peer.arrivals).toHaveLength(2)
  })

  it('sends again when the answer could not be kept', async () => {
    let full = false
    const directory = folders.make()
    await outbox.close()
    outbox = await openOutbox(directory, {
      segmentBytes: 8_192,
      files: {
        ...nodeOutboxFiles,
        freeBytes: async (path) => (full ? 0 : nodeOutboxFiles.freeBytes(path)),
      },
    })
    await add(4)
    // one answer fills a segment
    const pad = 'x'.repeat(3_000)
    peer.script = ({ pcsId }) => ({
      status: 200,
      body: JSON.stringify({ pcs_id: pcsId, accepted: true, escalated: false, pad }),
    })
    full = true
    const sender = newSender({ inFlightMax: 1 })
    sender.start()
    await until('an answer was refused by the log', () => attempts.some(({ result }) => result === 'retry'))
    full = false
    await sender.whenIdle()
    expect(outbox.counts).toEqual({ pending: 0, acknowledged: 4, dead: 0, conflict: 0 })
    expect(peer.arrivals.length).toBeGreaterThan(4)
  })
})
