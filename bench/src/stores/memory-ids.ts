import { randomFillSync } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import { setImmediate as turn } from 'node:timers/promises'
import { type IndexEntry, MemoryStore } from '@fractal-lba/dedup-service'
import { type Machine, machineLine } from '@fractal-lba/load'

/** What the memory store is when it holds many ids. */
export interface MemoryFigures {
  readonly ids: number
  /** Of its pages and tables, for each id. */
  readonly storeBytesPerId: number
  /** By which the memory of the process has grown, for each id. */
  readonly residentBytesPerId: number
  readonly putsPerSecond: number
  /** Puts of 128, the longest of all, while it filled up. */
  readonly longestPutMs: number
  /** The longest time for which the event loop did nothing else. */
  readonly longestStallMs: number
}

const BATCH = 128
const MS_PER_DAY = 86_400_000
const BYTES_GOAL = 250
const STALL_GOAL_MS = 50

/** Fills a memory store with this many verdicts, as the dedup service does, and looks at what it takes. */
export async function benchMemoryIds(ids: number, signal: AbortSignal): Promise<MemoryFigures> {
  const ttlMs = 14 * MS_PER_DAY
  const store = new MemoryStore({ idsMax: ids + BATCH, ttlMs, now: Date.now })
  try {
    await fill(store, 10_000, ttlMs, signal) // Compilers have seen it.
    store.clear()
    const before = process.memoryUsage.rss()
    const beginMs = performance.now()
    const { longestPutMs, longestStallMs } = await fill(store, ids, ttlMs, signal)
    const elapsedMs = performance.now() - beginMs
    return {
      ids,
      storeBytesPerId: store.sizeBytes / ids,
      residentBytesPerId: (process.memoryUsage.rss() - before) / ids,
      putsPerSecond: (1_000 * ids) / elapsedMs,
      longestPutMs,
      longestStallMs,
    }
  } finally {
    await store.close()
  }
}

async function fill(
  store: MemoryStore,
  ids: number,
  ttlMs: number,
  signal: AbortSignal,
): Promise<Pick<MemoryFigures, 'longestPutMs' | 'longestStallMs'>> {
  let [longestPutMs, longestStallMs] = [0, 0]
  for (let done = 0; done < ids; ) {
    const beginMs = performance.now()
    const entries = Array.from({ length: Math.min(BATCH, ids - done) }, (_, index) =>
      entryOf(done + index, Date.now() + ttlMs),
    )
    const putMs = performance.now()
    const standing = await store.putManyIfAbsent(entries)
    const endMs = performance.now()
    if (standing.includes(undefined)) throw new Error('the store took no more')
    longestPutMs = Math.max(longestPutMs, endMs - putMs)
    longestStallMs = Math.max(longestStallMs, endMs - beginMs)
    done += entries.length
    await turn(undefined, { signal })
  }
  return { longestPutMs, longestStallMs }
}

const random = Buffer.alloc(65)

/** As most verdicts are: accepted, with nothing to say. */
function entryOf(sequence: number, expiresAtMs: number): IndexEntry {
  randomFillSync(random)
  random[0] = 1
  const outcome = {
    ...{ pcsId: random.toString('hex', 33), accepted: true, escalated: false, reason: undefined },
    ...{ message: undefined, recomputedDHat: random.readUInt32LE(1) / 2 ** 31, regime: 'mixed' as const },
    ...{ recomputedBudget: random.readUInt32LE(5) / 2 ** 32, params: 'a8895c936d4d' },
  }
  const parameters = {
    ...{ tolD: 0.15, tolCoh: 0.05, tolBudget: 0.01, tolR: 0, alpha: 0.3, beta: 0.5, gamma: 0.2, base: 0.1 },
    d0: 2.2,
  }
  const origin = { logId: 'aa'.repeat(16), sequence }
  const fingerprint = Buffer.from(random.subarray(0, 33))
  const judgedAtMs = expiresAtMs - 14 * MS_PER_DAY
  const verdict = { outcome, fingerprint, keyId: 'hmac-1', parameters, judgedAtMs, origin }
  return { verdict, expiresAtMs, marked: true }
}

/** The report for a person. */
export function renderMemoryIds(machine: Machine, figures: MemoryFigures): string {
  const { ids, storeBytesPerId, residentBytesPerId, putsPerSecond, longestPutMs, longestStallMs } = figures
  const verdict = (reached: boolean, goal: string): string =>
    `(goal: ${goal}; ${reached ? 'reached' : 'NOT REACHED'})`
  const lines = [
    machineLine(machine),
    `the memory store alone with ${ids} ids, put in groups of ${BATCH}`,
    '',
    `${storeBytesPerId.toFixed(0)} bytes of the store for each id, ${residentBytesPerId.toFixed(0)} of the process ${verdict(residentBytesPerId <= BYTES_GOAL, `at most ${BYTES_GOAL}`)}`,
    `longest put ${longestPutMs.toFixed(1)} ms, longest stall ${longestStallMs.toFixed(1)} ms ${verdict(longestStallMs <= STALL_GOAL_MS, `at most ${STALL_GOAL_MS} ms`)}; ${putsPerSecond.toFixed(0)} puts/s`,
  ]
  return `${lines.join('\n')}\n`
}
