import { existsSync } from 'node:fs'
import { rm, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestSite, testSite } from '@fractal-lba/local'
import { hmacKey } from '@fractal-lba/pcs'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { Answer, Client } from '../src/client.js'
import { type Acknowledged, answered, disagreements, inParallel, Load } from '../src/load.js'
import { shippedLimits } from '../src/patience.js'
import { problemOf } from '../src/problem.js'
import { resigned, type TestRecord, textOf, twinOf } from '../src/records.js'
import { System, useSystem } from '../src/system.js'
import { until } from '../src/until.js'

const REPLAY_LIMIT_MS = 30_000
const processes = ['wal', 'verifier', 'dedup', 'signal-scoring', 'gateway'] as const

describe('kill -9 of each process in turn under load', () => {
  const system = useSystem('crash', { env: shippedLimits })

  it.each(processes)('%s comes back, agents succeed on retry, nothing stays open', async (name) => {
    const { client, constellation, records, wal } = system()
    const load = new Load(client, records, { concurrency: 16 })
    await load.more(50)
    const pid = constellation.pids()[name]
    await constellation.kill(name)
    await constellation.untilStarted(name)
    await load.more(200)
    await load.finish()
    expect(load.oddities).toEqual([])
    expect(load.unanswered).toEqual([])
    expect(constellation.restarts(name)).toBe(1)
    expect(constellation.pids()[name]).not.toBe(pid)
    expect(load.met.unavailable + load.met.broken).toBeGreaterThan(0)
    await wal.untilNothingOpen(REPLAY_LIMIT_MS)
    expect(await disagreements(client, load.acknowledged)).toEqual([])
  })
})

describe('kill -9 while two contents race for each id', () => {
  const system = useSystem('crash-race', { env: shippedLimits })
  const RACERS = 16

  it('one content wins, the other gets only 409, whatever dies meanwhile', async () => {
    const { constellation } = system()
    let isOver = false
    const killing = async (): Promise<void> => {
      for (const name of ['dedup', 'wal', 'dedup'] as const) {
        await constellation.kill(name)
        await constellation.untilReady()
      }
      isOver = true
    }
    const racer = async (): Promise<void> => {
      while (!isOver) await race(system())
    }
    await Promise.all([killing(), ...Array.from({ length: RACERS }, racer)])
  }, 90_000)
})

/** Two contents under one id, both sent until they are answered for good. */
async function race({ client, records }: System): Promise<void> {
  const record = records.next()
  const contents = [record, { ...twinOf(record), regime: 'mixed' as const }]
  const answers = await Promise.all(contents.map((content) => answered(() => attempt(client, content))))
  const first = answers.findIndex(({ status }) => status !== 409)
  expect(answers.map(({ status }) => status)).toEqual(first === 0 ? [200, 409] : [409, 202])
  const shown = await answered(() => attempt(client, record, 'GET'))
  expect(shown.body.toString()).toBe(answers[first]?.body.toString())
}

/** A broken connection counts as a 503: both are tried again. */
async function attempt(client: Client, record: TestRecord, method: 'GET' | 'POST' = 'POST'): Promise<Answer> {
  const broken = { status: 503, headers: {}, body: Buffer.alloc(0) }
  const asked = method === 'GET' ? client.outcome(record.pcs_id) : client.submit(textOf(record))
  return asked.catch(() => broken)
}

describe('kill -9 of all at once under load', () => {
  let site: TestSite
  beforeAll(async () => {
    site = await testSite('crash-all')
  })
  afterAll(() => site.dispose())

  it('every acknowledged outcome is there again, with other parameters and another key', async () => {
    const first = await System.start(site, 'crash-all', { env: { DEDUP_SNAPSHOT_INTERVAL: '1s' } })
    const load = new Load(first.client, first.records, {
      concurrency: 32,
      next: mixed(
        () => first.records.next({ budget: 0.404 }),
        () => first.records.next({ D_hat: 0.98 }),
      ),
    })
    await load.more(600)
    await first.constellation.crash()
    await load.giveUp()
    first.close()
    expect(load.oddities).toEqual([])
    expect(load.acknowledged.length).toBeGreaterThanOrEqual(600)

    // Under these every one of the records would be judged otherwise.
    const otherParameters = { PCS_TOL_D: '0.01', PCS_ALPHA: '0.9', PCS_TOL_BUDGET: '0.001', PCS_BASE: '0.5' }
    const second = await System.start(site, 'crash-all-2', { env: otherParameters })
    const lost = load.unanswered
    await second.wal.untilNothingOpen(REPLAY_LIMIT_MS)
    expect(await disagreements(second.client, load.acknowledged)).toEqual([])
    await expectStored(second, load.acknowledged)
    const unseen = textOf(second.records.next())
    const fresh = await answered(() => second.client.submit(unseen))
    expect(fresh.status).toBe(202)

    // Those that nobody got an answer for: in the log or not, each can be delivered now, once.
    for (const record of lost)
      expect([200, 202]).toContain((await answered(() => second.client.submit(textOf(record)))).status)

    // Again all at once, and the key that signed them is taken out.
    await second.constellation.crash()
    second.close()
    const nextKey = hmacKey('another key')
    const third = await System.start(site, 'crash-all-3', {
      signingKey: nextKey,
      env: { PCS_HMAC_KEY: 'another key' },
    })
    await inParallel(load.acknowledged, async ({ record, status, body }) => {
      const shown = await answered(() => third.client.outcome(record.pcs_id))
      expect([shown.status, shown.body.toString()]).toEqual([status, body.toString()])
      expect(shown.headers['idempotent-replayed']).toBe('true')
    })
    for (const { record, status, body } of load.acknowledged.slice(0, 100)) {
      const told = (content: TestRecord): Promise<Answer> =>
        answered(() => third.client.submit(textOf(content)))
      problemOf(await told(record), 401)
      const again = await told(resigned(record, nextKey))
      expect([again.status, again.body.toString()]).toEqual([status, body.toString()])
      problemOf(await told(resigned(twinOf(record), nextKey)), 409)
    }
    third.close()
  }, 120_000)
})

describe('the store is lost', () => {
  const spoilings: readonly (readonly [how: string, spoil: (file: string) => Promise<void>])[] = [
    ['gone', (file) => rm(file)],
    ['cut', async (file) => truncate(file, Math.floor((await stat(file)).size / 2))],
  ]

  it('is filled from the marks, whatever its snapshot has become', async () => {
    const site = await testSite('store-lost')
    onTestFinished(() => site.dispose())
    const env = { DEDUP_SNAPSHOT_INTERVAL: '1s' }
    const snapshot = join(site.dataDir, 'dedup', 'snapshot')
    const acknowledged: Acknowledged[] = []
    for (const [how, spoil] of [...spoilings, ['nothing', async () => undefined] as const]) {
      const system = await System.start(site, `store-lost-${how}`, { env })
      expect(await disagreements(system.client, acknowledged), how).toEqual([])
      await expectStored(system, acknowledged)
      const load = new Load(system.client, system.records, { concurrency: 16 })
      await load.more(50)
      await until('there is a snapshot', 20_000, () => existsSync(snapshot))
      await load.finish()
      acknowledged.push(...load.acknowledged)
      await system.constellation.crash()
      system.close()
      await spoil(snapshot)
    }
  }, 120_000)
})

/** Every acknowledged record's twin is refused, and what is shown is what was told. */
async function expectStored({ client }: System, acknowledged: readonly Acknowledged[]): Promise<void> {
  await inParallel(acknowledged, async ({ record, status, body }) => {
    problemOf(await answered(() => client.submit(textOf(twinOf(record)))), 409)
    const shown = await answered(() => client.outcome(record.pcs_id))
    expect([shown.status, shown.body.toString()]).toEqual([status, body.toString()])
  })
}

/** Takes from each in turn. */
function mixed(...makers: readonly (() => TestRecord)[]): () => TestRecord {
  let turn = 0
  return () => {
    const maker = makers[turn++ % makers.length]
    if (!maker) throw new Error('there is nothing to make')
    return maker()
  }
}
