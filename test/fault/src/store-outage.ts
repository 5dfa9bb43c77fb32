import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { type Client, json } from '../../src/client.js'
import { type Acknowledged, answered, Load, type LoadOptions } from '../../src/load.js'
import { isLong } from '../../src/long.js'
import { problemOf } from '../../src/problem.js'
import { type TestRecord, textOf } from '../../src/records.js'
import { until } from '../../src/until.js'
import type { StorePair } from './store-pair.js'
import { systemFindings } from './system-findings.js'

/** The short form takes these; the tests of the stores themselves (services/dedup) have the others in it, too. */
export function outagesOfForm(always: readonly Outage[], onlyLong: readonly Outage[]): readonly Outage[] {
  return isLong ? [...always, ...onlyLong] : always
}

/** What is done to a store, and what takes it back. */
export interface Outage {
  readonly name: string
  begin(): Promise<void>
  end(): Promise<void>
  /** The store itself is up: /ready does not name it. */
  readonly isUp?: boolean
  /** What cannot be remembered is refused before the log: it has no room. */
  readonly hasNoRoom?: boolean
  /** It answers now and then. */
  readonly isSlow?: boolean
}

/** A 503 after about a second is promised: no wait may be longer than the whole submission's deadline (and some). */
const ANSWER_LIMIT_MS = 2_000 + 4_000
/** What is usual must be a second, however busy the machine is. */
const USUAL_LIMIT_MS = 1_000 + 500
const OUTAGE_MS = isLong ? 20_000 : 1_500
const NOTICED_LIMIT_MS = 10_000
/** From the end of an outage until what it left is finished. */
const FINISHED_LIMIT_MS = 30_000
const AGENTS = 4
const ASKED_MAX = 1_000

/** Agents at both gateways while a store goes away and comes back, and what must hold then. */
export async function throughOutage(pair: StorePair, outage: Outage): Promise<void> {
  const { system } = pair
  const loads = loadsOn(pair)
  await Promise.all(loads.map((load) => load.more(30)))
  await outage.begin()
  let probes: readonly TestRecord[] = []
  try {
    if (!outage.isUp && !outage.isSlow) await untilNamed(pair, 'store')
    const { nextSequence } = await system.wal.state()
    probes = await probe(pair, outage)
    if (!outage.hasNoRoom) {
      expect((await system.wal.state()).nextSequence).toBeGreaterThanOrEqual(nextSequence + probes.length)
    }
  } finally {
    await outage.end()
  }
  const endedMs = performance.now()
  await pair.untilReady(FINISHED_LIMIT_MS)
  await Promise.all(loads.map((load) => load.more(30)))
  const acknowledged = await finish(pair, loads)
  await system.wal.untilNothingOpen(Math.max(1_000, FINISHED_LIMIT_MS - (performance.now() - endedMs)))
  if (!outage.hasNoRoom) await expectFinished(pair, probes)
  await expectKept(pair, acknowledged)
}

/** Lets agents come to an end. @returns what they were acknowledged, which is added to the pair's account. */
export async function finish(
  { account }: StorePair,
  loads: readonly Load[],
): Promise<readonly Acknowledged[]> {
  await Promise.all(loads.map((load) => load.finish()))
  for (const load of loads) {
    expect(load.unanswered).toEqual([])
    account.add(load)
  }
  return loads.flatMap(({ acknowledged }) => acknowledged)
}

export function loadsOn(
  { account, clients, system }: StorePair,
  options: Pick<LoadOptions, 'patienceMs'> = {},
): Load[] {
  const next = account.sending(() => system.records.next())
  return clients.map((client) => new Load(client, system.records, { concurrency: AGENTS, next, ...options }))
}

/**
 * Every acknowledged outcome is the original one, its duplicate replayed, its twin a conflict; some of it is asked
 * at the second gateway too. No dedup has died of anything. The short form asks for so many of them, spread over all;
 * in the log it looks at each.
 */
export async function expectKept(
  pair: StorePair,
  acknowledged: readonly Acknowledged[] = pair.account.acknowledged,
): Promise<void> {
  const step = isLong ? 1 : Math.ceil(acknowledged.length / ASKED_MAX)
  const asked = acknowledged.filter((_, index) => index % step === 0)
  expect(await systemFindings(pair.system, pair.account, asked)).toEqual([])
  for (const { record, status, body } of acknowledged.slice(-20)) {
    const shown = await answered(() => pair.clients[1].outcome(record.pcs_id))
    expect([shown.status, shown.body.toString()]).toEqual([status, body.toString()])
  }
  expect(pair.dedupDeaths).toBe(0)
}

/** Resolves when both gateways' /ready says that this is not up. */
async function untilNamed(pair: StorePair, dependency: string): Promise<void> {
  for (const client of pair.clients) {
    await until(`/ready names the ${dependency}`, NOTICED_LIMIT_MS, async () => {
      const { status, state } = await readiness(client, dependency)
      return status !== 'ready' && state !== 'up'
    })
  }
}

async function readiness(client: Client, dependency: string): Promise<{ status: unknown; state: unknown }> {
  const report = json(await client.get('/ready')) as {
    readonly status: string
    readonly dependencies: Readonly<Record<string, { readonly state: string } | undefined>>
  }
  return { status: report.status, state: report.dependencies[dependency]?.state }
}

/** New records, one after the other, at both gateways in turn. @returns those that were refused. */
async function probe(
  { account, clients, system }: StorePair,
  { isSlow = false }: Outage,
): Promise<TestRecord[]> {
  const next = account.sending(() => system.records.next())
  const waitsMs: number[] = []
  const refused: TestRecord[] = []
  const endMs = performance.now() + OUTAGE_MS
  while (performance.now() < endMs || waitsMs.length < 10) {
    for (const client of clients) {
      const record = next()
      const beganMs = performance.now()
      const answer = await client.submit(textOf(record))
      waitsMs.push(performance.now() - beganMs)
      if (isSlow && answer.status === 200) continue
      problemOf(answer, 503)
      expect(answer.headers['retry-after']).toMatch(/^[1-9]\d*$/)
      refused.push(record)
    }
    await sleep(20)
  }
  waitsMs.sort((a, b) => a - b)
  expect(waitsMs.at(-1)).toBeLessThan(ANSWER_LIMIT_MS)
  expect(waitsMs[Math.floor(waitsMs.length / 2)]).toBeLessThan(USUAL_LIMIT_MS)
  return refused
}

/** What was refused has been finished by itself: who tries again meets the stored outcome. */
async function expectFinished({ clients }: StorePair, refused: readonly TestRecord[]): Promise<void> {
  for (const [index, record] of refused.entries()) {
    const client = clients[index % 2 === 0 ? 0 : 1]
    const again = await answered(() => client.submit(textOf({ ...record, attempt: 2 })))
    expect([again.status, again.headers['idempotent-replayed']], again.body.toString()).toEqual([200, 'true'])
  }
}
