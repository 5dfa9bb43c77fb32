import { testSite } from '@fractal-lba/local'
import { record } from '@fractal-lba/proto'
import { expect, it, onTestFinished } from 'vitest'
import { inParallel } from '../src/load.js'
import { textOf } from '../src/records.js'
import { runPcs } from '../src/run-pcs.js'
import { addressOf, System } from '../src/system.js'
import { until } from '../src/until.js'
import { preloading } from './src/preloading.js'
import { roundsOf } from './src/rounds.js'

/** Each ends the verifier once, and after each the supervisor waits longer. */
const TRIES = roundsOf({ short: 2, long: 5 })
const HONEST = 200
const FINISHED_LIMIT_MS = 90_000

it(`a record that ends the verifier is set aside after ${TRIES} tries, and those beside it are finished`, async () => {
  const site = await testSite('fault-last-record')
  onTestFinished(() => site.dispose())
  const env = { WAL_REPLAY_TRIES: String(TRIES), REPLAY_POLL: '50ms', REPLAY_LEASE: '1s' }
  const envOf = { verifier: preloading('end-at-a-record') }
  const system = await System.start(site, 'fault-last-record', { env, envOf })
  onTestFinished(() => system.close())
  const { client, records, wal, constellation } = system
  const honest = Array.from({ length: HONEST }, () => records.next())
  const deadly = records.next({ shard_id: 'deadly' })
  const opened = [...honest.slice(0, HONEST / 2), deadly, ...honest.slice(HONEST / 2)]
  for (const each of opened) {
    await wal.appendAbandoned(Buffer.from(textOf(each)), record.Encoding.ENCODING_JSON)
  }
  await until('all but one are finished, and that is set aside', FINISHED_LIMIT_MS, async () => {
    const { openCount, deadLetterCount } = await wal.state()
    return openCount === 0 && deadLetterCount === 1
  })
  expect(constellation.restarts('verifier')).toBeGreaterThanOrEqual(TRIES)
  await constellation.untilStarted('verifier')
  await inParallel(honest, async (each) => {
    const { status, headers } = await client.submit(textOf(each))
    expect([status, headers['idempotent-replayed']]).toEqual([200, 'true'])
  })
  const { out } = await runPcs(['wal', 'replay'], { env: { WAL_ADDR: addressOf(site, 'wal') } })
  expect(out).toMatch(new RegExp(`after ${TRIES} tries: verifier ended while it worked on nothing but this`))
})
