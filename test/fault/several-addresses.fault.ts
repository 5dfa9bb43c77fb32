import { setTimeout as sleep } from 'node:timers/promises'
import { hmacKey } from '@fractal-lba/pcs'
import { grpcPort } from '@fractal-lba/runtime'
import { type RedisServer, redisMissing, startRedis } from '@fractal-lba/test-servers'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Client } from '../src/client.js'
import { Fleet, type NamedService, namedServices, RESOLVE_EVERY_MS } from '../src/fleet.js'
import { type Acknowledged, answered, disagreements, inParallel, Load } from '../src/load.js'
import { patience } from '../src/patience.js'
import { recentConnections } from '../src/processes.js'
import { seededRandom } from '../src/random.js'
import { RecordMaker, retryOf, type TestRecord } from '../src/records.js'
import { addressOf } from '../src/system.js'
import { until } from '../src/until.js'
import { WalReader } from '../src/wal-reader.js'

const missing = await redisMissing()
if (missing !== undefined) it.skip(`several processes behind one name (${missing})`)

const START_LIMIT_MS = 90_000
const GATEWAYS = [1, 2]
const AGENTS = 12
/** One of so many submissions has been sent before. */
const DUPLICATE_ONE_IN = 4
const LANE_AGE_MS = 500
/** Batches that each member is waited for, so that a share means something. */
const BATCHES_MIN = 100

describe.skipIf(missing)('several processes behind one name', () => {
  let redis: RedisServer
  let fleet: Fleet
  let gateways: readonly Client[]
  beforeAll(async () => {
    redis = await startRedis()
  }, START_LIMIT_MS)
  afterAll(() => redis?.close(), START_LIMIT_MS)
  afterEach(async () => {
    const { deaths } = fleet
    await fleet.dispose()
    expect(deaths).toEqual([])
  }, START_LIMIT_MS)

  async function start(label: string, env: Record<string, string> = {}): Promise<void> {
    await redis.cli('flushall')
    const store = { DEDUP_BACKEND: 'redis', REDIS_ADDR: redis.address }
    fleet = await Fleet.prepare(label, { ...patience, ...store, ...env })
    await fleet.up('wal', 1)
    await Promise.all(namedServices.map((service) => fleet.up(service, 1)))
    await fleet.up('gateway', ...GATEWAYS)
    gateways = GATEWAYS.map((member) => fleet.client('gateway', member))
  }

  /** Whether each member has at least half of an even share of what is served from now on. */
  async function shares(
    service: NamedService,
    members: readonly number[],
    totalMin: number,
  ): Promise<Shares> {
    const before = await fleet.served(service, members)
    const batches = await until(`${service} has served ${totalMin} batches`, 30_000, async () => {
      const now = await fleet.served(service, members)
      const since = now.map((count, index) => count - (before[index] ?? 0))
      return sum(since) >= totalMin && since
    })
    return { batches, areFair: Math.min(...batches) >= sum(batches) / members.length / 2 }
  }

  it('all get work, and a scaling from 1 to 3 to 1 under load loses and changes nothing', async () => {
    await start('several-addresses')
    const agents = new Agents(fleet, gateways)
    await agents.more(300)

    // They are there, but their names have one address: what is asserted below does not hold by itself.
    await Promise.all([fleet.up('verifier', 2, 3), fleet.up('signal-scoring', 2), fleet.up('dedup', 2)])
    const alone = await shares('verifier', [1, 2, 3], BATCHES_MIN)
    expect(alone).toMatchObject({ areFair: false, batches: [expect.any(Number), 0, 0] })

    fleet.resolveTo('verifier', [1, 2, 3])
    fleet.resolveTo('signal-scoring', [1, 2])
    fleet.resolveTo('dedup', [1, 2])
    await until('all have work', 10_000, async () => {
      const newcomers = await Promise.all([
        fleet.served('verifier', [2, 3]),
        fleet.served('signal-scoring', [2]),
        fleet.served('dedup', [2]),
      ])
      return newcomers.flat().every((count) => count >= GATEWAYS.length)
    })
    await sleep(2 * RESOLVE_EVERY_MS)
    const [verifiers, scorings, dedups] = await Promise.all([
      shares('verifier', [1, 2, 3], 3 * BATCHES_MIN),
      shares('signal-scoring', [1, 2], 2 * BATCHES_MIN),
      shares('dedup', [1, 2], 2 * BATCHES_MIN),
    ])
    expect({ verifiers, scorings, dedups }).toMatchObject({
      verifiers: { areFair: true },
      scorings: { areFair: true },
      dedups: { areFair: true },
    })

    // Each leaves under load: some when their name has forgotten them, some before.
    fleet.resolveTo('verifier', [2, 3])
    await fleet.stop('verifier', 1)
    await agents.more(100)
    await fleet.stop('verifier', 3)
    await agents.more(100)
    fleet.resolveTo('verifier', [2])
    fleet.resolveTo('signal-scoring', [2])
    await fleet.stop('signal-scoring', 1)
    await agents.more(100)
    await fleet.stop('dedup', 1)
    await agents.more(100)
    fleet.resolveTo('dedup', [2])
    await agents.more(300)

    await agents.finish()
    expect(agents.met).toEqual({ unavailable: 0, broken: 0 })
    await expectKept(agents.acknowledged)
  }, 180_000)

  it('lanes that are opened anew again and again fail nothing', async () => {
    await start('lane-age', { HOP_LANE_AGE: `${LANE_AGE_MS}ms` })
    await fleet.up('verifier', 2, 3)
    fleet.resolveTo('verifier', [1, 2, 3])
    const agents = new Agents(fleet, gateways)
    await agents.more(100)
    const port = grpcPort('verifier', fleet.site.port)
    const before = await recentConnections(port)
    const beganMs = performance.now()
    await sleep(10 * LANE_AGE_MS)
    await agents.more(100)
    const opened = (await recentConnections(port)) - before
    const ages = (performance.now() - beganMs) / LANE_AGE_MS
    await agents.finish()
    // Three lanes of each gateway, each opened anew after one age to two.
    const lanes = 3 * GATEWAYS.length
    expect(opened).toBeGreaterThan((lanes * ages) / 4)
    expect(opened).toBeLessThan(lanes * (ages + 1))
    expect(agents.met).toEqual({ unavailable: 0, broken: 0 })
    await expectKept(agents.acknowledged)
  }, 120_000)

  /** Each is found under both gateways as it was told, by its id and by the same record sent again. */
  async function expectKept(acknowledged: readonly Acknowledged[]): Promise<void> {
    const reader = new WalReader(addressOf(fleet.site, 'wal'))
    await reader.untilNothingOpen(30_000).finally(() => reader.close())
    const first = new Map<string, Acknowledged>()
    const changed: string[] = []
    for (const each of acknowledged) {
      const { pcs_id } = each.record
      const told = first.get(pcs_id)
      if (told === undefined) first.set(pcs_id, each)
      else if (!told.body.equals(each.body)) changed.push(`${pcs_id}: ${told.body} became ${each.body}`)
    }
    const kept = [...first.values()]
    await inParallel(kept, async ({ record: { pcs_id }, body }) => {
      const gateway = gateways[Number.parseInt(pcs_id.slice(0, 2), 16) % gateways.length]
      const found = gateway && (await answered(() => gateway.outcome(pcs_id)))
      if (found?.status !== 200 || !found.body.equals(body)) {
        changed.push(`${pcs_id}: ${body} is found as ${found?.status} ${found?.body}`)
      }
    })
    for (const gateway of gateways) changed.push(...(await disagreements(gateway, kept)))
    expect(changed).toEqual([])
  }
})

interface Shares {
  readonly batches: readonly number[]
  readonly areFair: boolean
}

/** Agents at all gateways, some of which send again what was sent before, by whomever. */
class Agents {
  readonly #loads: readonly Load[]
  readonly #sent: TestRecord[] = []
  readonly #random = seededRandom(11)

  constructor({ site }: Fleet, gateways: readonly Client[]) {
    const records = new RecordMaker(hmacKey(site.hmacKey), site.dataDir)
    const next = () => this.#next(records)
    this.#loads = gateways.map((client) => new Load(client, records, { concurrency: AGENTS, next }))
  }

  get acknowledged(): readonly Acknowledged[] {
    return this.#loads.flatMap(({ acknowledged }) => acknowledged)
  }

  /** How often an agent met a 503, and a broken connection. */
  get met(): { readonly unavailable: number; readonly broken: number } {
    return {
      unavailable: sum(this.#loads.map(({ met }) => met.unavailable)),
      broken: sum(this.#loads.map(({ met }) => met.broken)),
    }
  }

  /** Resolves when at each gateway so many more are acknowledged. */
  async more(count: number): Promise<void> {
    await Promise.all(this.#loads.map((load) => load.more(count)))
  }

  async finish(): Promise<void> {
    await Promise.all(this.#loads.map((load) => load.finish()))
    expect(this.#loads.flatMap(({ oddities }) => oddities)).toEqual([])
    expect(this.#loads.flatMap(({ unanswered }) => unanswered)).toEqual([])
  }

  #next(records: RecordMaker): TestRecord {
    const before = this.#random(DUPLICATE_ONE_IN) === 0 && this.#sent[this.#random(this.#sent.length)]
    if (before) return retryOf(before)
    const record = records.next()
    this.#sent.push(record)
    return record
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0)
}
