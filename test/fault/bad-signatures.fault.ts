import { recordMaker, submitRequest } from '@fractal-lba/load'
import { hmacKey } from '@fractal-lba/pcs'
import { describe, expect, it } from 'vitest'
import { answered } from '../src/load.js'
import { textOf } from '../src/records.js'
import { until } from '../src/until.js'
import { roundsOf } from './src/rounds.js'
import { backends } from './src/store-backends.js'
import { crowd, visitMarks } from './src/store-crowd.js'

const SUBMISSIONS = roundsOf({ short: 5_000, long: 1_000_000 })
const FINISHED_LIMIT_MS = 60_000

for (const { name, missing, start } of backends) {
  if (missing !== undefined) it.skip(`bad signatures on ${name} (${missing})`)
  describe.skipIf(missing)(`two gateways and two dedups on ${name}`, () => {
    it(`${SUBMISSIONS} submissions with bad signatures leave the store as it is`, async () => {
      const { pair, idCount, useCount } = await start(`fault-bad-signatures-${name}`, { countsUses: true })
      const { system } = pair
      const known = textOf(system.records.next())
      expect((await answered(() => system.client.submit(known))).status).toBe(200)
      await system.wal.untilNothingOpen(FINISHED_LIMIT_MS)
      // Its mark is read back once: what the store is asked from now on is for others.
      await until('the mark is read back', FINISHED_LIMIT_MS, async () => (await pair.marksRead()) > 0)
      const [ids, uses] = [await idCount(), await useCount()]
      expect(ids).toBe(1)
      expect(uses).toBeGreaterThan(0)
      const key = hmacKey(system.site.hmacKey)
      const next = recordMaker({ seed: 20_260_101, key, badSignatureShare: 1 })
      let sent = 0
      const { byStatus, failures } = await crowd(pair, () => {
        sent += 1
        return sent > SUBMISSIONS ? undefined : submitRequest(next().body)
      })
      expect([...failures]).toEqual([])
      const refused = byStatus.get(503) ?? 0
      expect(byStatus.get(401)).toBe(SUBMISSIONS - refused)
      await system.wal.untilNothingOpen(FINISHED_LIMIT_MS)
      expect(await idCount()).toBe(ids)
      expect(await useCount()).toBe(uses)
      // All of them came as far as that: they are in the log, each with its verdict of no key.
      // One that was refused with a 503 may have been so before the log, and one that was late is marked again.
      const marked = new Set<number>()
      await visitMarks(pair, (_, { sequence, status, indexed }) => {
        if (status === 401 && !indexed) marked.add(sequence)
      })
      expect(marked.size).toBeLessThanOrEqual(SUBMISSIONS)
      expect(marked.size).toBeGreaterThanOrEqual(SUBMISSIONS - refused)
    })
  })
}
