import { describe, expect, it } from 'vitest'
import type { Answer } from '../src/client.js'
import { inParallel } from '../src/load.js'
import { isLong } from '../src/long.js'
import { metricsOf } from '../src/metrics.js'
import { problemOf } from '../src/problem.js'
import { residentBytes } from '../src/processes.js'
import { retryOf, type TestRecord, textOf, twinOf } from '../src/records.js'
import { useSystem } from '../src/system.js'

const COPIES = 64
const ROUNDS = isLong ? 200 : 20
const DISTINCT = isLong ? 100_000 : 5_000
const GROWTH_MAX_BYTES = 96 * 2 ** 20

const system = useSystem('race')

function replays(answers: readonly Answer[]): Answer[] {
  return answers.filter(({ headers }) => headers['idempotent-replayed'] === 'true')
}

describe('64 copies of one new record at once', () => {
  it('one first acceptance, 63 replays, one stored outcome', async () => {
    const { client, records, wal } = system()
    for (let round = 0; round < ROUNDS; round++) {
      const record = records.next(round % 2 === 0 ? {} : { budget: 0.9 })
      const status = round % 2 === 0 ? 200 : 202
      const from = (await wal.state()).nextSequence
      const copies = Array.from({ length: COPIES }, (_, copy) => (copy % 2 === 0 ? record : retryOf(record)))
      const answers = await Promise.all(copies.map((copy) => client.submit(textOf(copy))))
      expect(new Set(answers.map((answer) => `${answer.status} ${answer.body}`)).size).toBe(1)
      expect(answers[0]?.status).toBe(status)
      expect(replays(answers)).toHaveLength(COPIES - 1)
      const marks = await wal.marks(from)
      expect(marks).toHaveLength(COPIES)
      const origins = new Set(marks.map(({ mark }) => mark?.verdict?.origin?.sequence))
      expect(origins.size).toBe(1)
      expect((await client.outcome(record.pcs_id)).body).toEqual(answers[0]?.body)
    }
  })

  it('with a conflicting twin in the race: one content wins, the other gets only 409', async () => {
    const { client, records } = system()
    const winners = new Set<string>()
    for (let round = 0; round < ROUNDS; round++) {
      const record = records.next()
      // Another regime, so that the two outcomes differ as well.
      const contents: readonly [TestRecord, TestRecord] = [record, { ...twinOf(record), regime: 'mixed' }]
      const sent = Array.from({ length: COPIES }, (_, copy) => ({ content: (copy + round) % 2 }))
      const answered = await Promise.all(
        sent.map(async ({ content }) => ({
          content,
          answer: await client.submit(textOf(contents[content] ?? record)),
        })),
      )
      const told = answered.filter(({ answer }) => answer.status !== 409)
      const conflicts = answered.filter(({ answer }) => answer.status === 409)
      expect(new Set(told.map(({ content }) => content)).size).toBe(1)
      expect(new Set(conflicts.map(({ content }) => content)).size).toBe(1)
      expect([told.length, conflicts.length]).toEqual([COPIES / 2, COPIES / 2])
      expect(replays(told.map(({ answer }) => answer))).toHaveLength(COPIES / 2 - 1)
      expect(new Set(told.map(({ answer }) => answer.body.toString())).size).toBe(1)
      for (const { answer } of conflicts) problemOf(answer, 409)
      expect((await client.outcome(record.pcs_id)).body).toEqual(told[0]?.answer.body)
      winners.add(told[0]?.content === 0 ? 'record' : 'twin')
    }
    expect(winners.size).toBeGreaterThan(0)
  })
})

describe(`${DISTINCT} distinct records`, () => {
  it(
    'as many outcomes, nothing lost, memory flat',
    async () => {
      const { client, records, wal, constellation } = system()
      const before = await metricsOf(client)
      const from = (await wal.state()).nextSequence
      const memory: Record<string, number>[] = []
      const sample: TestRecord[] = []
      for (let third = 0; third < 3; third++) {
        const part = Array.from({ length: Math.ceil(DISTINCT / 3) }, () => undefined)
        await inParallel(part, async () => {
          const record = records.next()
          const answer = await client.submit(textOf(record))
          expect([answer.status, answer.headers['idempotent-replayed']]).toEqual([200, undefined])
          if (record.epoch % 50 === 0) sample.push(record)
        })
        memory.push(await residentOf(constellation.pids()))
      }
      const sent = 3 * Math.ceil(DISTINCT / 3)
      const after = await metricsOf(client)
      expect(after.value('flk_accepted') - before.value('flk_accepted')).toBe(sent)
      expect((await wal.marks(from)).filter(({ mark }) => mark?.status === 200)).toHaveLength(sent)
      expect((await wal.state()).openCount).toBe(0)
      await inParallel(sample, async ({ pcs_id: id }) => {
        expect((await client.outcome(id)).status).toBe(200)
      })
      for (const [name, last] of Object.entries(memory.at(-1) ?? {})) {
        expect(last - (memory[0]?.[name] ?? 0), name).toBeLessThan(GROWTH_MAX_BYTES)
      }
    },
    isLong ? 600_000 : 180_000,
  )
})

async function residentOf(pids: Readonly<Record<string, number>>): Promise<Record<string, number>> {
  const entries = await Promise.all(
    Object.entries(pids).map(async ([name, pid]) => [name, await residentBytes(pid)]),
  )
  return Object.fromEntries(entries)
}
