import { afterEach, describe, expect, it } from 'vitest'
import { type Answer, json } from '../src/client.js'
import { metricsOf } from '../src/metrics.js'
import { shippedLimits } from '../src/patience.js'
import { problemOf } from '../src/problem.js'
import { type TestRecord, textOf, twinOf } from '../src/records.js'
import { useSystem } from '../src/system.js'
import { until } from '../src/until.js'

const behindTheLog = ['verifier', 'dedup', 'signal-scoring'] as const
const REPLAY_LIMIT_MS = 30_000

const system = useSystem('outages', { supervise: false, env: shippedLimits })

afterEach(async () => {
  const { constellation } = system()
  for (const name of [...behindTheLog, 'wal'] as const) {
    await constellation.kill(name, 'SIGCONT')
    constellation.start(name)
  }
  await constellation.untilReady()
})

function expectUnavailable(answer: Answer): void {
  problemOf(answer, 503)
  const seconds = answer.headers['retry-after']
  expect(seconds).toMatch(/^\d+$/)
  expect(Number(seconds)).toBeGreaterThanOrEqual(5)
  expect(Number(seconds)).toBeLessThanOrEqual(10)
}

async function readyStatus(): Promise<{ code: number; status: string; states: Record<string, string> }> {
  const answer = await system().client.get('/ready')
  const { status, dependencies } = json(answer) as {
    status: string
    dependencies: Record<string, { state: string }>
  }
  const states = Object.fromEntries(Object.entries(dependencies).map(([name, { state }]) => [name, state]))
  return { code: answer.status, status, states }
}

/** Nobody sends it again: what finishes it is the system itself. */
async function untilFinishedByReplay(record: TestRecord): Promise<Answer> {
  return until(`${record.shard_id} is finished by replay`, REPLAY_LIMIT_MS, async () => {
    const answer = await system().client.outcome(record.pcs_id)
    return answer.status === 200 && answer
  })
}

describe.each(behindTheLog)('%s', (name) => {
  const dependency = name === 'signal-scoring' ? 'scoring' : name

  it.each(['SIGKILL', 'SIGSTOP'] as const)(
    'after %s: 503, degraded, then finished by itself',
    async (signal) => {
      const { client, constellation, records } = system()
      const stored = records.next()
      const first = await client.submit(textOf(stored))
      await constellation.kill(name, signal)
      const lost = [records.next(), records.next(), records.next()]
      for (const answer of await Promise.all(lost.map((record) => client.submit(textOf(record)))))
        expectUnavailable(answer)
      const shown = await client.outcome(stored.pcs_id)
      if (name === 'dedup') expectUnavailable(shown)
      else expect(shown.body).toEqual(first.body)
      if (name === 'signal-scoring') {
        // Neither needs a judgement.
        const duplicate = await client.submit(textOf(stored))
        expect([duplicate.status, duplicate.headers['idempotent-replayed']]).toEqual([200, 'true'])
        expect(duplicate.body).toEqual(first.body)
        problemOf(await client.submit(textOf(twinOf(stored))), 409)
      }
      const ready = await until(`/ready names ${dependency}`, 10_000, async () => {
        const report = await readyStatus()
        return report.states[dependency] === 'down' && report.states.wal === 'up' && report
      })
      expect(ready).toMatchObject({ code: 200, status: 'degraded' })
      expect((await client.get('/health')).status).toBe(200)

      if (signal === 'SIGSTOP') await constellation.kill(name, 'SIGCONT')
      else constellation.start(name)
      for (const record of lost) {
        const finished = await untilFinishedByReplay(record)
        const replayed = await client.submit(textOf(record))
        expect(replayed.headers['idempotent-replayed']).toBe('true')
        expect(replayed.body).toEqual(finished.body)
      }
      await system().wal.untilNothingOpen(REPLAY_LIMIT_MS)
    },
  )
})

describe('the largest submissions', () => {
  const COUNT = 160
  const BODY_MAX_BYTES = 64 * 2 ** 10

  it('are finished by replay, however many are open', async () => {
    const { client, constellation, records, wal } = system()
    await constellation.kill('verifier')
    const lost = Array.from({ length: COUNT }, () => records.next())
    const bodies = lost.map((record) => {
      const text = textOf(record)
      return text + ' '.repeat(BODY_MAX_BYTES - text.length)
    })
    const answers = await Promise.all(bodies.map((body) => client.submit(body)))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([503]))
    expect((await wal.state()).openCount).toBe(COUNT)
    constellation.start('verifier')
    await wal.untilNothingOpen(REPLAY_LIMIT_MS)
    for (const record of lost) expect((await client.outcome(record.pcs_id)).status).toBe(200)
  })
})

describe('wal', () => {
  it.each(['SIGKILL', 'SIGSTOP'] as const)(
    'after %s: 503 and not ready, then all goes on',
    async (signal) => {
      const { client, constellation, records } = system()
      const before = records.next()
      const stored = await client.submit(textOf(before))
      await constellation.kill('wal', signal)
      expectUnavailable(await client.submit(textOf(records.next())))
      const ready = await until('/ready is 503', 10_000, async () => {
        const report = await readyStatus()
        return report.code === 503 && report
      })
      expect(ready.states.wal).toBe('down')
      expect((await client.get('/health')).status).toBe(200)

      if (signal === 'SIGSTOP') await constellation.kill('wal', 'SIGCONT')
      else constellation.start('wal')
      await constellation.untilReady()
      expect((await client.submit(textOf(records.next()))).status).toBe(200)
      expect((await client.submit(textOf(before))).body).toEqual(stored.body)
    },
  )
})

describe('a record that was only appended', () => {
  it('is finished by the system itself, whatever its encoding, and refused ones get their mark', async () => {
    const { wal, records, client } = system()
    const good = records.next()
    await wal.appendAbandoned(Buffer.from(textOf(good)), 1)
    const bad = await wal.appendAbandoned(Buffer.from('{'), 1)
    const forged = await wal.appendAbandoned(Buffer.from(textOf({ ...records.next(), D_hat: 1 })), 1)
    await untilFinishedByReplay(good)
    await wal.untilNothingOpen(REPLAY_LIMIT_MS)
    expect((await client.submit(textOf(good))).headers['idempotent-replayed']).toBe('true')
    const marks = await wal.marks(bad?.sequence)
    const statusOf = (sequence: number | undefined) =>
      marks.find(({ mark }) => mark?.sequence === sequence)?.mark?.status
    expect([statusOf(bad?.sequence), statusOf(forged?.sequence)]).toEqual([400, 401])
  })
})

describe('no answer that depends on the record leaves before its mark is flushed', () => {
  const cases: readonly (readonly [answer: string, change: (stored: TestRecord) => TestRecord])[] = [
    ['200', () => system().records.next()],
    ['202', () => system().records.next({ budget: 0.9 })],
    ['202 of an id that is not the hash', () => system().records.next({ pcs_id: 'a'.repeat(64) })],
    ['a replay', (stored) => stored],
    ['409', (stored) => twinOf(stored)],
  ]

  it.each(cases)('%s', async (_answer, change) => {
    const { client, constellation, records, wal } = system()
    const stored = records.next()
    await client.submit(textOf(stored))
    await constellation.kill('verifier', 'SIGSTOP')
    const before = (await wal.state()).nextSequence
    const asked = client.submit(textOf(change(stored)))
    await until('it is in the log', 5_000, async () => (await wal.state()).nextSequence > before)
    await constellation.kill('wal', 'SIGSTOP')
    await constellation.kill('verifier', 'SIGCONT')
    expectUnavailable(await asked)
    await constellation.kill('wal', 'SIGCONT')
    await wal.untilNothingOpen(REPLAY_LIMIT_MS)
  })
})

describe('a verdict that could not be put', () => {
  it('is a 503, and finished later', async () => {
    const { client, constellation, records, wal } = system()
    const failedPuts = async (): Promise<number> =>
      (await metricsOf(client)).value('rpc_client_errors_total', { rpc_method: 'PutIfAbsentBatches' })
    await wal.untilNothingOpen(REPLAY_LIMIT_MS)
    const { nextSequence: sequence } = await wal.state()
    const failedBefore = await failedPuts()
    await constellation.kill('verifier', 'SIGSTOP')
    const record = records.next()
    const asked = client.submit(textOf(record))
    await until('it is in the log', 5_000, async () => (await wal.state()).nextSequence > sequence)
    await constellation.kill('dedup', 'SIGSTOP')
    await constellation.kill('verifier', 'SIGCONT')
    expectUnavailable(await asked)
    expect(await failedPuts()).toBeGreaterThan(failedBefore)
    // What nobody took is in no mark either: a lost index would be filled with it.
    expect(await wal.marks(sequence)).toEqual([])
    expect((await wal.state()).openCount).toBe(1)
    await constellation.kill('dedup', 'SIGCONT')
    await untilFinishedByReplay(record)
    await wal.untilNothingOpen(REPLAY_LIMIT_MS)
    const marks = (await wal.marks(sequence)).map(({ mark }) => [mark.sequence, mark.status, mark.replayed])
    expect(marks).toEqual([[sequence, 200, true]])
  })
})

describe('many open records', () => {
  const patient = useSystem('many-open')

  it('are finished beside live traffic within 30 s', async () => {
    const { wal, records, client } = patient()
    const open = Array.from({ length: 2_000 }, () => records.next())
    await Promise.all(open.map((record) => wal.appendAbandoned(Buffer.from(textOf(record)), 1)))
    for (let i = 0; i < 50; i++) expect((await client.submit(textOf(records.next()))).status).toBe(200)
    await wal.untilNothingOpen(REPLAY_LIMIT_MS)
    for (const record of open.slice(0, 100)) expect((await client.outcome(record.pcs_id)).status).toBe(200)
  }, 60_000)
})
