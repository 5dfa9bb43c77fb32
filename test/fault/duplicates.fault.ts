import { recordMaker, submitRequest } from '@fractal-lba/load'
import { hmacKey } from '@fractal-lba/pcs'
import { verdictFromBytes } from '@fractal-lba/proto'
import { describe, expect, it } from 'vitest'
import type { Client } from '../src/client.js'
import { answered } from '../src/load.js'
import { isLong } from '../src/long.js'
import { seededRandom } from '../src/random.js'
import { roundsOf } from './src/rounds.js'
import { backends } from './src/store-backends.js'
import { crowd, visitMarks } from './src/store-crowd.js'
import type { StorePair } from './src/store-pair.js'

const IDS = isLong ? 1_000 : 100
const SUBMISSIONS = roundsOf({ short: 5_000, long: 1_000_000 })
const FINISHED_LIMIT_MS = 60_000

for (const { name, missing, start } of backends) {
  if (missing !== undefined) it.skip(`duplicates on ${name} (${missing})`)
  describe.skipIf(missing)(`two gateways and two dedups on ${name}`, () => {
    it(`${SUBMISSIONS} submissions of ${IDS} ids are ${IDS} first acceptances, and duplicates`, async () => {
      const { pair, idCount } = await start(`fault-duplicates-${name}`)
      const next = recordMaker({ seed: 20_260_101, key: hmacKey(pair.system.site.hmacKey) })
      const bodies = Array.from({ length: IDS }, () => next().body)
      const { byStatus, failures } = await crowd(pair, requestsOf(bodies))
      expect([...failures]).toEqual([])
      // A 503 under load is no acceptance: the record is finished afterwards.
      const refused = byStatus.get(503) ?? 0
      expect(byStatus.get(200)).toBe(SUBMISSIONS - refused)
      await pair.system.wal.untilNothingOpen(FINISHED_LIMIT_MS)
      const { marked, ...found } = await firstsById(pair)
      expect(found).toEqual({ ids: IDS, firsts: IDS })
      // One that was refused with a 503 may have been so before the log.
      expect(marked).toBeLessThanOrEqual(SUBMISSIONS)
      expect(marked).toBeGreaterThanOrEqual(SUBMISSIONS - refused)
      expect(await idCount()).toBe(IDS)
      await expectOneAnswer(pair.clients, bodies)
    })
  })
}

/** Half of them race for one id at a time, the others come in any order. */
function requestsOf(bodies: readonly string[]): () => Buffer | undefined {
  const requests = bodies.map((body) => submitRequest(body))
  const random = seededRandom(1)
  let sent = 0
  return () => {
    if (sent === SUBMISSIONS) return undefined
    const racing = Math.floor((sent / SUBMISSIONS) * requests.length)
    sent += 1
    return requests[sent % 2 === 0 ? racing : random(requests.length)]
  }
}

/** Of all marks: ids, entries that were judged (the other entries name one of them as theirs), entries that have a mark. */
async function firstsById(pair: StorePair): Promise<{ ids: number; firsts: number; marked: number }> {
  const ids = new Set<string>()
  const origins = new Set<number>()
  const marked = new Set<number>()
  await visitMarks(pair, (_, mark) => {
    const { outcome, origin } = verdictFromBytes(mark.verdict) ?? {}
    if (!outcome || !origin) return
    marked.add(mark.sequence)
    ids.add(outcome.pcsId)
    origins.add(origin.sequence)
  })
  return { ids: ids.size, firsts: origins.size, marked: marked.size }
}

/** Whoever asks, at whichever gateway, gets the same bytes. */
async function expectOneAnswer(clients: readonly Client[], bodies: readonly string[]): Promise<void> {
  for (const body of bodies) {
    const answers = await Promise.all(clients.map((client) => answered(() => client.submit(body))))
    for (const { status, headers } of answers) {
      expect([status, headers['idempotent-replayed']]).toEqual([200, 'true'])
    }
    expect(new Set(answers.map((answer) => answer.body.toString())).size).toBe(1)
  }
}
