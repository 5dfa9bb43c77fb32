import { stat } from 'node:fs/promises'
import { join } from 'node:path'
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
    const options = { env: { DEDUP_TTL: '11s', DEDUP_SNAPSHOT_INTERVAL: '1s' } }
    const first = await System.start(site, 'ttl', options)
    const record = first.records.next()
    const sentMs = performance.now()
    const answer = await first.client.submit(textOf(record))
    expect(answer.status).toBe(200)
    // A duplicate does not lengthen it, and its twin finds it.
    expect((await first.client.submit(textOf(record))).headers['idempotent-replayed']).toBe('true')
    problemOf(await first.client.submit(textOf(twinOf(record))), 409)
    const snapshot = join(site.dataDir, 'dedup', 'snapshot')
    const writtenMs = Date.now()
    // A snapshot that has the record's marks behind it; each further record makes a further snapshot due.
    await until('it is in a snapshot', 20_000, async () => {
      await first.client.submit(textOf(first.records.next()))
      const mtimeMs = await stat(snapshot).then(
        (file) => file.mtimeMs,
        () => 0,
      )
      return mtimeMs > writtenMs + 2_500
    })
    await first.constellation.crash()
    first.close()

    const second = await System.start(site, 'ttl', options)
    const { client } = second
    // Only looked at: a submission would leave a mark, and the snapshot alone must know.
    const shown = await client.outcome(record.pcs_id)
    if (performance.now() - sentMs < 10_000) expect(shown.body).toEqual(answer.body)
    await until('it has expired', 20_000, async () => (await client.outcome(record.pcs_id)).status === 404)
    expect(performance.now() - sentMs).toBeGreaterThan(10_500)
    const again = await client.submit(textOf(twinOf(record)))
    expect([again.status, again.headers['idempotent-replayed']]).toEqual([200, undefined])
    problemOf(await client.submit(textOf(record)), 409)
    second.close()
  }, 60_000)
})
