import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Constellation, type Environment, type TestSite, testSite } from '@fractal-lba/local'
import {
  defaultRuleOptions,
  localScrape,
  startWatchers,
  TimeScale,
  type Watchers,
} from '@fractal-lba/observability'
import { hmacKey } from '@fractal-lba/pcs'
import { localGrpcAddress, localOpsAddress } from '@fractal-lba/runtime'
import { type FailingVerifier, startFailingVerifier } from '@fractal-lba/test/failing-verifier'
import { AlertWatch } from './alert-watch.js'
import { type DrillStore, type StoreName, startDrillStore } from './drill-store.js'
import { fakeClock } from './fake-clock.js'
import { SMALL_LOG_BYTES } from './forged-faults.js'
import { SecondProcess } from './second-process.js'
import { SpanSink } from './span-sink.js'
import { Traffic } from './traffic.js'

const execute = promisify(execFile)
/** Large enough for a whole drill, small enough to be filled. */
const DISK_BYTES = 256 * 2 ** 20
const COMPACT_EVERY_MS = 5_000
const RULES_LIMIT_MS = 60_000

/** The product with what watches it, and all that a fault needs a hand on. */
export interface DrillSite {
  readonly site: TestSite
  readonly constellation: Constellation
  readonly watchers: Watchers
  readonly alerts: AlertWatch
  readonly traffic: Traffic
  /** Undefined where none is installed: the index is then in memory. */
  readonly store: DrillStore | undefined
  readonly secondVerifier: SecondProcess
  /** Its log may be no longer than SMALL_LOG_BYTES. */
  readonly secondWal: SecondProcess
  readonly spanSink: SpanSink
  /** Fails over the records with this text in them, and over none when it is undefined. */
  readonly brokenRecords: { text: string | undefined }
  readonly walDirectory: string
  /** Whether the log lies on a file system of its own, which can be filled. */
  readonly hasOwnDisk: boolean
  /** Runs as a scheduler would run `pcs wal compact`, while it is true. */
  readonly compaction: { isScheduled: boolean }
  /** Of the verifier: when the key that all sign with ends, or never. */
  readonly keyFile: { setEnd(at: Date | undefined): void }
  /** Of the scoring service: seconds that its wall clock is ahead. */
  readonly scoringClock: { set(aheadSeconds: number): void } | undefined
  /** Runs the pcs command. @throws Error with what it wrote when it fails */
  pcs(...args: readonly string[]): Promise<string>
  close(): Promise<void>
}

export interface DrillOptions {
  readonly root: string
  /** A larger one is a shorter drill. */
  readonly timeScale: number
  readonly store: StoreName
  readonly say: (line: string) => void
  readonly stopping: AbortSignal
}

/** @throws Error when something does not start; nothing is left running then. */
export async function startDrillSite(options: DrillOptions): Promise<DrillSite> {
  const closing: (() => Promise<unknown> | unknown)[] = []
  const close = async (): Promise<void> => {
    for (const step of closing.splice(0).reverse()) await step()
  }
  try {
    return await startParts(options, closing, close)
  } catch (error) {
    await close()
    throw error
  }
}

async function startParts(
  { root, timeScale, store: storeName, say, stopping }: DrillOptions,
  closing: (() => Promise<unknown> | unknown)[],
  close: () => Promise<void>,
): Promise<DrillSite> {
  const site = await testSite('drill')
  closing.push(() => site.dispose())
  const store = await startDrillStore(storeName, say)
  if (store) closing.push(() => store.close())
  const spanSink = await SpanSink.start()
  closing.push(() => spanSink.close())
  const brokenRecords: DrillSite['brokenRecords'] = { text: undefined }
  const verifier = await failingVerifier(site, brokenRecords)
  closing.push(() => verifier.stop())
  const walDisk = join(site.dataDir, 'disk')
  const hasOwnDisk = await mountDisk(walDisk)
  if (hasOwnDisk) closing.push(() => execute('umount', ['--lazy', walDisk]))
  const walDirectory = join(walDisk, 'wal')
  const clock = await fakeClock(join(site.dataDir, 'clock'))

  const keyPath = join(site.dataDir, 'keys.yaml')
  const keyFile: DrillSite['keyFile'] = {
    setEnd(at) {
      const key = { algorithm: 'hmac', key: site.hmacKey, ...(at && { not_after: at.toISOString() }) }
      writeFileSync(keyPath, JSON.stringify({ keys: [key] }))
    },
  }
  keyFile.setEnd(undefined)

  const env: Environment = {
    PCS_KEYS_FILE: keyPath,
    PCS_KEYS_RELOAD_EVERY: '1s',
    TOKEN_RATE: '250',
    WAL_DIR: walDirectory,
    WAL_SEGMENT_BYTES: '1Mi',
    WAL_DISK_LOW: '16Mi',
    WAL_REPLAY_TRIES: '1',
    WAL_COMPACT_EVERY: '0s',
    OTEL_EXPORTER_OTLP_ENDPOINT: spanSink.url,
    OTEL_TRACES_SAMPLER: 'parentbased_always_on',
    ...store?.env,
  }
  const constellation = await site.start({
    env,
    envOf: {
      gateway: { VERIFIER_ADDR: verifier.address },
      ...(clock ? { 'signal-scoring': clock.env } : {}),
    },
  })
  closing.push(() => constellation.stop())
  const secondVerifier = await SecondProcess.start('verifier', site, root)
  closing.push(() => secondVerifier.close())
  const secondWal = await SecondProcess.start('wal', site, root, {
    ...{ WAL_DIR: join(site.dataDir, 'second-wal'), WAL_SEGMENT_BYTES: '1Mi', WAL_DISK_LOW: '0' },
    ...{ WAL_BYTES_MAX: SMALL_LOG_BYTES, WAL_COMPACT_EVERY: '1s' },
  })
  closing.push(() => secondWal.close())
  const local = localScrape(site.port)
  const watchers = await startWatchers({
    rules: { ...defaultRuleOptions, time: new TimeScale(timeScale) },
    ...{ interval: '1s', withOptional: true },
    scrape: {
      ...local,
      targets: {
        ...local.targets,
        agent: [],
        verifier: [localOpsAddress('verifier', site.port), secondVerifier.opsAddress],
        wal: [localOpsAddress('wal', site.port), secondWal.opsAddress],
      },
    },
    alertmanager: { receiver: () => ({}), isQuick: true },
  })
  closing.push(() => watchers.close())
  const traffic = new Traffic(constellation.baseUrl, hmacKey(site.hmacKey))
  closing.push(() => traffic.stop())
  const pcs: DrillSite['pcs'] = async (...args) => {
    const command = [join(root, 'packages/cli/bin/pcs.js'), ...args]
    const { stdout } = await execute(process.execPath, command, {
      env: { PATH: process.env.PATH, WAL_DIR: walDirectory, PORT: String(site.port) },
      timeout: RULES_LIMIT_MS,
    })
    return stdout
  }
  const compaction = { isScheduled: true }
  const scheduler = setInterval(() => {
    // The log may be away just now: the next time will do.
    if (compaction.isScheduled) pcs('wal', 'compact').catch(() => undefined)
  }, COMPACT_EVERY_MS)
  closing.push(() => clearInterval(scheduler))
  return {
    ...{ site, constellation, watchers, traffic, store, secondVerifier, secondWal, spanSink, brokenRecords },
    ...{ walDirectory, hasOwnDisk, compaction, keyFile, pcs, close },
    scoringClock: clock,
    alerts: new AlertWatch(watchers.alertmanager.url, stopping),
  }
}

async function failingVerifier(site: TestSite, broken: DrillSite['brokenRecords']): Promise<FailingVerifier> {
  const fails = (text: string): boolean => broken.text !== undefined && text.includes(broken.text)
  return startFailingVerifier(localGrpcAddress('verifier', site.port), fails)
}

/** @returns whether that could be done */
async function mountDisk(path: string): Promise<boolean> {
  mkdirSync(path, { recursive: true })
  if (process.getuid?.() !== 0) return false
  try {
    await execute('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'tmpfs', path])
    writeFileSync(join(path, 'mounted'), '')
    return true
  } catch {
    // A container without that right, for instance: the faults that need it say so.
    return false
  }
}
