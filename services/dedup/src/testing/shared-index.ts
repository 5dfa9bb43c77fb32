import { dedup } from '@fractal-lba/proto'
import { AppError, createLogger, createRegistry, type Registry, trusting } from '@fractal-lba/runtime'
import { onTestFinished, vi } from 'vitest'
import { type Availability, IndexKeeper } from '../index/index-keeper.js'
import { type Maintenance, maintenanceOf } from '../index/maintenance.js'
import { type Found, VerdictIndex } from '../index/verdict-index.js'
import { connectWalLog } from '../index/wal-log.js'
import { createDedupMetrics } from '../metrics.js'
import type { RemoteServer } from '../remote/remote-server.js'
import { RemoteStore } from '../remote/remote-store.js'
import type { StoredVerdict } from '../store.js'
import { TTL_MS, WAL_TIMEOUT_MS } from './index-under-test.js'
import type { TestWal } from './test-wal.js'
import { markOf, verdictOf } from './verdicts.js'

const TIMES = { watchEveryMs: 50, retryFirstMs: 5, retryMostMs: 50 }

/** One dedup process over a shared store. */
export interface SharedIndex {
  readonly store: RemoteStore
  readonly index: VerdictIndex
  readonly maintenance: Maintenance
  readonly registry: Registry
  readonly availability: () => Availability
  /** Resolves with the generation when it answers, under another one than `not`. */
  answering(not?: string): Promise<string>
  fills(): Promise<number>
  stop(): Promise<void>
}

/** For tests: a process that keeps an index of these wals in this store, until the test ends. */
export function sharedIndex(
  wals: readonly TestWal[],
  server: RemoteServer,
  { waived = [] }: { readonly waived?: readonly string[] } = {},
): SharedIndex {
  const now = Date.now
  const store = new RemoteStore(server, trusting(now))
  const registry = createRegistry('dedup')
  const metrics = createDedupMetrics(registry, store, () => 0)
  const connect = (address: string) => connectWalLog(address, WAL_TIMEOUT_MS)
  const logs = wals.map(({ address }) => connect(address))
  const tools = { store, ttlMs: TTL_MS, clock: trusting(now), waived: new Set(waived) }
  const keeper = new IndexKeeper(logs, tools, metrics, createLogger('dedup', 'fatal'), TIMES)
  const availability = (): Availability => keeper.availability
  const stopping = new AbortController()
  const running = keeper.run(stopping.signal)
  let stopped: Promise<void> | undefined
  const stop = (): Promise<void> => {
    stopped ??= (async () => {
      stopping.abort()
      for (const log of logs) log.close()
      await running
      await store.close()
    })()
    return stopped
  }
  onTestFinished(stop)
  return {
    ...{ store, registry, availability, stop },
    index: new VerdictIndex(store, TTL_MS, now, availability),
    maintenance: maintenanceOf(keeper, { store, ttlMs: TTL_MS, clock: trusting(now), connect }),
    answering: (not) =>
      vi.waitFor(
        () => {
          const state = availability()
          if (!state.answers || state.generation === not) throw new Error('it does not answer')
          if (!store.state().up) throw new Error('its store is down')
          return state.generation
        },
        { timeout: 30_000, interval: 5 },
      ),
    fills: async () =>
      (await registry.getSingleMetric('dedup_fills_total')?.get())?.values[0]?.value ?? Number.NaN,
  }
}

/** What a gateway does with one record; undefined: a 503. Says what the acknowledged answer was. */
export async function submit(
  { index }: SharedIndex,
  wal: TestWal,
  name: string,
  content = 'content',
): Promise<(Pick<Found, 'finding'> & { readonly verdict: StoredVerdict }) | undefined> {
  const { FINDING_ABSENT } = dedup.Finding
  const judged = verdictOf(name, { content, logId: wal.logId, sequence: wal.nextSequence })
  const { outcome, fingerprint, origin } = judged
  try {
    let [found]: (Found | AppError)[] = await index.lookupMany([
      { pcsId: outcome.pcsId, fingerprint, origin },
    ])
    if (found && !(found instanceof AppError) && found.finding === FINDING_ABSENT) {
      found = (await index.putManyIfAbsent([judged]))[0]
    }
    if (!found || found instanceof AppError || !found.verdict) return undefined
    wal.markDone(markOf(found.verdict, found.generation, origin.sequence))
    return { finding: found.finding, verdict: found.verdict }
  } catch (error) {
    // unavailable, or the mark came from an index that has been replaced: both are a 503.
    if (error instanceof AppError) return undefined
    throw error
  }
}

/** As a client does: again, until it is answered. */
export async function submitUntilAnswered(
  process: SharedIndex,
  wal: TestWal,
  name: string,
  content?: string,
): Promise<NonNullable<Awaited<ReturnType<typeof submit>>>> {
  return vi.waitFor(
    async () => {
      const answer = await submit(process, wal, name, content)
      if (!answer) throw new Error('it is not answered')
      return answer
    },
    { timeout: 30_000, interval: 20 },
  )
}
