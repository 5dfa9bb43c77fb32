import { testSite } from '@fractal-lba/local'
import { postgresMissing, redisMissing, startPostgres, startRedis } from '@fractal-lba/test-servers'
import { Client as PostgresClient } from 'pg'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Client } from '../src/client.js'
import { answered } from '../src/load.js'
import { metricsOf } from '../src/metrics.js'
import { patience } from '../src/patience.js'
import { textOf, twinOf } from '../src/records.js'
import { runPcs } from '../src/run-pcs.js'
import { addressOf, opsUrlOf, System } from '../src/system.js'
import { until } from '../src/until.js'

const RECORDS = 30
const FOLLOWED_LIMIT_MS = 30_000

/** A store of its own for one test, and what nobody should do to it: one entry is removed, one gets another's value. */
interface Spoilable {
  readonly env: Readonly<Record<string, string>>
  spoil(): Promise<void>
}

async function onRedis(): Promise<Spoilable> {
  const redis = await startRedis()
  onTestFinished(() => redis.close())
  const script = `
    local ids = {}
    for _, key in ipairs(redis.call('KEYS', 'flk:*')) do if #key == 36 then ids[#ids + 1] = key end end
    redis.call('DEL', ids[1])
    redis.call('SET', ids[2], redis.call('GET', ids[3]))
    return #ids`
  return {
    env: { DEDUP_BACKEND: 'redis', REDIS_ADDR: redis.address },
    spoil: async () => expect(await redis.cli('eval', script, '0')).toBe(`${RECORDS}\n`),
  }
}

async function onPostgres(): Promise<Spoilable> {
  const postgres = await startPostgres()
  onTestFinished(() => postgres.close())
  const nth = (n: number): string =>
    `(SELECT id FROM dedup_entries WHERE length(id) = 32 ORDER BY id LIMIT 1 OFFSET ${n})`
  return {
    env: { DEDUP_BACKEND: 'postgres', POSTGRES_CONN: postgres.conninfo },
    async spoil() {
      const client = new PostgresClient({
        connectionString: `postgresql://postgres@127.0.0.1:${postgres.port}/postgres`,
      })
      await client.connect()
      await client.query(
        `UPDATE dedup_entries SET value = (SELECT value FROM dedup_entries WHERE id = ${nth(2)}) WHERE id = ${nth(1)}`,
      )
      await client.query(`DELETE FROM dedup_entries WHERE id = ${nth(0)}`)
      await client.end()
    },
  }
}

const stores = [
  { name: 'Redis', missing: await redisMissing(), start: onRedis },
  { name: 'Postgres', missing: await postgresMissing(), start: onPostgres },
]

for (const { name, missing, start } of stores) {
  if (missing !== undefined) it.skip(`pcs dedup on ${name} (${missing})`)
  describe.skipIf(missing)(`pcs dedup on ${name}`, () => {
    it('finds what somebody has changed in the store, and mends it from the marks', async () => {
      const { env, spoil } = await start()
      const site = await testSite(`dedup-tools-${name}`)
      onTestFinished(() => site.dispose())
      const system = await System.start(site, `dedup-tools-${name}`, { env: { ...patience, ...env } })
      onTestFinished(() => system.close())
      const { client, records } = system
      const pcs = (...args: string[]) =>
        runPcs(['dedup', ...args], { env: { DEDUP_ADDR: addressOf(site, 'dedup') } })
      const verified = async () => {
        const { code, out, err } = await pcs('verify', '--json')
        expect(err).toBe('')
        return { code, ...(JSON.parse(out) as Record<'marks' | 'missing' | 'different', number>) }
      }
      const acknowledged = []
      for (let made = 0; made < RECORDS; made += 1) {
        const record = records.next()
        const { status, body } = await client.submit(textOf(record))
        expect(status).toBe(200)
        acknowledged.push({ record, body })
      }
      await until(
        'all marks are compared',
        FOLLOWED_LIMIT_MS,
        async () => (await verified()).marks === RECORDS,
      )
      expect(await verified()).toMatchObject({ code: 0, missing: 0, different: 0 })

      // What follows the marks would mend the store from those that it has not read yet.
      const dedup = new Client(opsUrlOf(site, 'dedup'))
      onTestFinished(() => dedup.close())
      await until('every mark was read back', FOLLOWED_LIMIT_MS, async () => {
        return (await metricsOf(dedup)).value('dedup_marks_read_total') >= RECORDS
      })
      await spoil()
      expect(await verified()).toMatchObject({ code: 1, missing: 1, different: 1 })
      const told = await pcs('verify')
      expect(told.out).toMatch(/^ {2}missing {5}[0-9a-f]{32}\/\d+ {2}[0-9a-f]{64}$/m)

      const { code, out } = await pcs('rebuild', '--json')
      expect(code).toBe(0)
      expect(JSON.parse(out)).toMatchObject({ marks: RECORDS, corrected: 1, contradictory: 0, unreadable: 0 })
      expect(await verified()).toMatchObject({ code: 0, marks: RECORDS, missing: 0, different: 0 })
      for (const { record, body } of acknowledged) {
        const again = await answered(() => client.submit(textOf(record)))
        expect([again.status, again.body.toString()]).toEqual([200, body.toString()])
        expect((await answered(() => client.submit(textOf(twinOf(record))))).status).toBe(409)
      }
    })
  })
}
