import { setTimeout as sleep } from 'node:timers/promises'
import { testSite } from '@fractal-lba/local'
import { describe, expect, it, onTestFinished } from 'vitest'
import { problemOf } from '../src/problem.js'
import { textOf, twinOf } from '../src/records.js'
import { System } from '../src/system.js'
import { until } from '../src/until.js'

describe('DEDUP_TTL', () => {
  it('counts from the first mark, also over a crash; then the id may be written again', async () => {
    const site = await testSite('ttl')
    onTestFinished(() => site.dispose())
    const options = { env: { DEDUP_TTL: '8s' } }
    const first = await System.start(site, 'ttl', options)
    const record = first.records.next()
    const answer = await first.client.submit(textOf(record))
    const acknowledgedMs = performance.now()
    expect(answer.status).toBe(200)
    await sleep(1_500)
    // A duplicate does not lengthen it, and its twin finds it.
    expect((await first.client.submit(textOf(record))).headers['idempotent-replayed']).toBe('true')
    await first.constellation.crash()
    first.close()

    const second = await System.start(site, 'ttl', options)
    const { client } = second
    if (performance.now() - acknowledgedMs < 7_000) {
      expect((await client.outcome(record.pcs_id)).body).toEqual(answer.body)
      problemOf(await client.submit(textOf(twinOf(record))), 409)
    }
    await until('it has expired', 20_000, async () => (await client.outcome(record.pcs_id)).status === 404)
    const lastedMs = performance.now() - acknowledgedMs
    expect(lastedMs).toBeGreaterThan(7_500)
    const again = await client.submit(textOf(twinOf(record)))
    expect([again.status, again.headers['idempotent-replayed']]).toEqual([200, undefined])
    problemOf(await client.submit(textOf(record)), 409)
    second.close()
  }, 60_000)
})
