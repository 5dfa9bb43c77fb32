import { createLogger, createRegistry, type Logger, type Registry, trusting } from '@fractal-lba/runtime'
import { onTestFinished, vi } from 'vitest'
import { type Availability, IndexKeeper } from '../index/index-keeper.js'
import { type Maintenance, maintenanceOf } from '../index/maintenance.js'
import { VerdictIndex } from '../index/verdict-index.js'
import { connectWalLog } from '../index/wal-log.js'
import { MemoryStore } from '../memory/memory-store.js'
import { createDedupMetrics, type DedupMetrics } from '../metrics.js'
import type { StoredVerdict } from '../store.js'
import { TestWal } from './test-wal.js'
import { markOf, pcsIdOf, verdictOf } from './verdicts.js'

export const TTL_MS = 3_600_000
export const NOW_MS = Date.now()
/** Longer than a busy machine lets a log wait: one that is late is fenced twice, and tests count fences. */
export const WAL_TIMEOUT_MS = 10_000
const TIMES = { watchEveryMs: 20, retryFirstMs: 5, retryMostMs: 20 }

export interface IndexUnderTest {
  readonly clock: { nowMs: number }
  readonly store: MemoryStore
  readonly index: VerdictIndex
  readonly keeper: IndexKeeper
  readonly maintenance: Maintenance
  readonly metrics: DedupMetrics
  readonly registry: Registry
  readonly logger: Logger
  readonly availability: () => Availability
  /** Begins to fill and to watch. */
  run(): void
  /** Resolves with the generation when it answers, under another one than `not`. */
  answering(not?: string): Promise<string>
  stop(): Promise<void>
}

/** For tests: a wal that goes away with the test. */
export async function startTestWal(): Promise<TestWal> {
  const wal = await TestWal.start()
  onTestFinished(() => wal.down())
  return wal
}

/** For tests: an index over a memory store and real connections to the wals at these addresses. */
export function indexOver(
  addresses: readonly string[],
  { nowMs = Date.now(), idsMax = 100_000 }: { readonly nowMs?: number; readonly idsMax?: number } = {},
): IndexUnderTest {
  const clock = { nowMs }
  const now = (): number => clock.nowMs
  const store = new MemoryStore({ idsMax, ttlMs: TTL_MS, now })
  const registry = createRegistry('dedup')
  const metrics = createDedupMetrics(registry, store, () => 0)
  const logger = createLogger('dedup', 'fatal')
  const connect = (address: string) => connectWalLog(address, WAL_TIMEOUT_MS)
  const logs = addresses.map(connect)
  const keeper = new IndexKeeper(logs, { store, ttlMs: TTL_MS, clock: trusting(now) }, metrics, logger, TIMES)
  const availability = (): Availability => keeper.availability
  const stopping = new AbortController()
  let running = Promise.resolve()
  const stop = async (): Promise<void> => {
    stopping.abort()
    for (const log of logs) log.close()
    await running
    await store.close()
  }
  onTestFinished(stop)
  return {
    maintenance: maintenanceOf(keeper, { store, ttlMs: TTL_MS, clock: trusting(now), connect }),
    ...{ clock, store, keeper, metrics, registry, logger, availability },
    index: new VerdictIndex(store, TTL_MS, now, availability),
    run: () => {
      running = keeper.run(stopping.signal)
    },
    answering: (not) =>
      vi.waitFor(
        () => {
          const state = availability()
          if (!state.answers || state.generation === not) throw new Error('it does not answer')
          return state.generation
        },
        { timeout: 10_000, interval: 5 },
      ),
    stop,
  }
}

/** For tests: a verdict whose origin is the entry before the mark that the log takes next. */
export function judgedIn(
  wal: TestWal,
  name: string,
  content = 'content',
  judgedAtMs = NOW_MS,
): StoredVerdict {
  return verdictOf(name, { content, judgedAtMs, logId: wal.logId, sequence: wal.nextSequence })
}

export function acknowledge(
  wal: TestWal,
  verdict: StoredVerdict,
  flushedAtMs = NOW_MS,
  sequence?: number,
): void {
  wal.markDone(markOf(verdict, wal.generation, sequence), flushedAtMs)
}

export async function stored(test: IndexUnderTest, name: string): Promise<StoredVerdict | undefined> {
  return (await test.store.getMany([pcsIdOf(name)]))[0]?.verdict
}
