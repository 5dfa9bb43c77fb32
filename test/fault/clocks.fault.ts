import { rm } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { InProcessConstellation } from '@fractal-lba/constellation'
import { testSite } from '@fractal-lba/local'
import { dedup, wal } from '@fractal-lba/proto'
import { connect, type ServiceName } from '@fractal-lba/runtime'
import { postgresMissing, redisMissing, startPostgres, startRedis } from '@fractal-lba/test-servers'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Client, json } from '../src/client.js'
import { Load } from '../src/load.js'
import { isLong } from '../src/long.js'
import { Metrics } from '../src/metrics.js'
import { patience } from '../src/patience.js'
import { addressOf, opsUrlOf, System } from '../src/system.js'
import { until } from '../src/until.js'
import { sql } from './src/store-postgres.js'
import { Account, systemFindings } from './src/system-findings.js'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const LIMIT_MS = 30_000
const ROUND_LIMIT_MS = 120_000
/** After this the log has been compacted. */
const COMPACTED_MS = 1_500
/** Shorter than each of the steps, so that each would expire all there is, and marks with it. */
const env = {
  ...patience,
  DEDUP_TTL: '20m',
  WAL_RETENTION: '1s',
  WAL_COMPACT_EVERY: '500ms',
  DEDUP_SNAPSHOT_INTERVAL: '1s',
}
const steps = [HOUR_MS, -HOUR_MS, 15 * DAY_MS, -15 * DAY_MS]
const services: readonly ServiceName[] = ['wal', 'dedup', 'gateway', 'verifier', 'signal-scoring']
/** Whose clock is wrong, and how far it is ahead; in the short form those by which most would be lost. */
const rounds: readonly (readonly [ServiceName, number])[] = isLong
  ? services.flatMap((service) => steps.map((stepMs) => [service, stepMs] as const))
  : [
      ['wal', 15 * DAY_MS],
      ['wal', -15 * DAY_MS],
      ['dedup', 15 * DAY_MS],
      ['gateway', -15 * DAY_MS],
    ]
/** Enough for some segments that are full, which a compaction may look at. */
const RECORDS_FIRST = isLong ? 10_000 : 2_000
const RECORDS = 40

/** A constellation whose services have clocks of their own, each as if on a host of its own. */
class ClockedSystem {
  readonly account = new Account()
  readonly aheadMs = new Map<ServiceName, number>()
  #system: System<InProcessConstellation> | undefined

  static async start(label: string, backendEnv: Readonly<Record<string, string>>): Promise<ClockedSystem> {
    const self = new ClockedSystem()
    const site = await testSite(label)
    const fatals: Error[] = []
    self.#system = await System.startInProcess(site, label, {
      env: { ...env, ...backendEnv, WAL_SEGMENT_BYTES: '1Mi' },
      clockOf: (service) => ({ hostId: service, wall: () => Date.now() + (self.aheadMs.get(service) ?? 0) }),
      onFatal: (error) => fatals.push(error),
    })
    onTestFinished(async () => {
      self.system.close()
      await self.system.constellation.stop()
      await site.dispose()
      expect(fatals).toEqual([])
    })
    return self
  }

  get system(): System<InProcessConstellation> {
    if (!this.#system) throw new Error('it is not started')
    return this.#system
  }

  async restart(...names: readonly ServiceName[]): Promise<void> {
    for (const name of names) await this.system.constellation.restart(name)
    await this.system.constellation.untilReady(LIMIT_MS)
  }

  /** New records are acknowledged meanwhile. */
  async load(records = RECORDS): Promise<void> {
    const { client, records: maker } = this.system
    const load = new Load(client, maker, { concurrency: 8, next: this.account.sending(() => maker.next()) })
    await load.more(records, 60_000)
    await load.finish()
    this.account.add(load)
  }

  async expectKept(when: string): Promise<void> {
    // Of the many that fill segments, some; and those of this round and the one before.
    const { acknowledged } = this.account
    const asked = [...acknowledged.slice(0, 30), ...acknowledged.slice(30).slice(-4 * RECORDS)]
    expect(await systemFindings(this.system, this.account, asked), when).toEqual([])
  }

  async metrics(service: ServiceName): Promise<Metrics> {
    const client = new Client(opsUrlOf(this.system.site, service))
    const { body } = await client.get('/metrics')
    client.close()
    return Metrics.parse(body.toString())
  }

  async untilTrusted(service: ServiceName, trusted: boolean): Promise<void> {
    await until(`${service} is ${trusted ? '' : 'not '}trusted`, LIMIT_MS, async () => {
      return ((await this.metrics(service)).value('clock_trusted') === 1) === trusted
    })
  }

  /** What an operator does when all clocks are right again. */
  async confirm(): Promise<void> {
    const operatorClockMs = Date.now()
    const at = (service: 'wal' | 'dedup') => ({ service, address: addressOf(this.system.site, service) })
    const log = connect(wal.WalServiceService, at('wal'))
    await log.unary('confirmClock', { operatorClockMs })
    log.close()
    const index = connect(dedup.DedupServiceService, at('dedup'))
    await index.unary('confirmClock', { operatorClockMs })
    index.close()
  }
}

interface Backend {
  readonly name: string
  readonly missing: string | undefined
  /** @returns what the dedup is told, and what takes all away that it holds. */
  start(): Promise<{
    readonly env: Readonly<Record<string, string>>
    lose(system: ClockedSystem): Promise<void>
  }>
}

const backends: readonly Backend[] = [
  {
    name: 'the memory index',
    missing: undefined,
    start: async () => ({
      env: {},
      async lose({ system }) {
        const { constellation, site } = system
        await constellation.stopOne('dedup')
        await rm(`${site.dataDir}/dedup`, { recursive: true, force: true })
        await constellation.start('dedup')
      },
    }),
  },
  {
    name: 'Redis',
    missing: await redisMissing(),
    async start() {
      const redis = await startRedis()
      onTestFinished(() => redis.close())
      return {
        env: { DEDUP_BACKEND: 'redis', REDIS_ADDR: redis.address },
        lose: async () => void (await redis.cli('flushall')),
      }
    },
  },
  {
    name: 'Postgres',
    missing: await postgresMissing(),
    async start() {
      const postgres = await startPostgres()
      onTestFinished(() => postgres.close())
      return {
        env: { DEDUP_BACKEND: 'postgres', POSTGRES_CONN: postgres.conninfo },
        lose: async () => void (await sql(postgres, 'TRUNCATE dedup_entries, dedup_marker')),
      }
    },
  },
]

const stepText = (ms: number): string => `${ms > 0 ? '+' : '-'}${Math.abs(ms) / HOUR_MS} h`

for (const backend of backends) {
  if (backend.missing !== undefined) it.skip(`clocks, on ${backend.name} (${backend.missing})`)

  describe.skipIf(backend.missing)(`clocks that are wrong, on ${backend.name}`, () => {
    it('change no verdict, and no outcome is forgotten', {
      timeout: ROUND_LIMIT_MS * rounds.length,
    }, async () => {
      const store = await backend.start()
      const clocked = await ClockedSystem.start('fault-clocks', store.env)
      await clocked.load(RECORDS_FIRST)
      for (const [service, stepMs] of rounds) {
        const step = `${service} ${stepText(stepMs)}`
        // While it runs.
        clocked.aheadMs.set(service, stepMs)
        await clocked.untilTrusted(service, false)
        await clocked.load()
        await clocked.expectKept(`${step}, while it runs`)
        // At its start, and that of its index.
        await clocked.restart(service, 'dedup')
        await clocked.load()
        await clocked.expectKept(`${step}, at its start`)
        expect(json(await clocked.system.client.get('/ready'))).toMatchObject({ status: 'ready' })
        // Right again, and trusted: what expires now expires by a right clock.
        clocked.aheadMs.delete(service)
        await clocked.restart(service, 'dedup')
        await clocked.expectKept(`${step}, when it is right again`)
        await clocked.confirm()
        for (const name of ['wal', 'dedup'] as const) await clocked.untilTrusted(name, true)
        await sleep(COMPACTED_MS)
        await store.lose(clocked)
        await clocked.system.constellation.untilReady(LIMIT_MS)
        await clocked.expectKept(`${step}, when the store was lost after it`)
      }
    })
  })
}
