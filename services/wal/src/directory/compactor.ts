import { type Logger, monotonicMs, unavailable } from '@fractal-lba/runtime'
import type { CompactionMetrics } from '../metrics.js'
import type { Compaction } from '../opened-log.js'
import type { CompactionReport } from './compaction-pass.js'
import type { DirectoryLog } from './directory-log.js'
import type { RetentionLimits } from './retention.js'

export interface CompactorOptions extends RetentionLimits {
  /** How often the log is compacted by itself; 0: only when asked, at the byte limit and on a full disk. */
  readonly everyMs: number
  /** What expires then or before has expired. */
  readonly now: () => number
}

const LOOK_MS = 1_000
/** After a compaction that the byte limit or a full disk asked for, and that did not suffice. */
const PRESSED_REST_MS = 30_000

/** Compacts a log, one compaction at a time: when asked, by itself, and where room gets short. */
export class Compactor implements Compaction {
  readonly #log: DirectoryLog
  readonly #options: CompactorOptions
  readonly #metrics: CompactionMetrics
  readonly #logger: Logger
  readonly #stopping = new AbortController()
  #timer: NodeJS.Timeout | undefined
  #running: Promise<unknown> | undefined
  #limitExceeded = false
  #keptBytes = 0
  #endedMs = monotonicMs()
  #share: number | undefined

  constructor(log: DirectoryLog, options: CompactorOptions, metrics: CompactionMetrics, logger: Logger) {
    this.#log = log
    this.#options = options
    this.#metrics = metrics
    this.#logger = logger
  }

  /** How far the compaction under way has come, 0 to 1; undefined while there is none. */
  get share(): number | undefined {
    return this.#share
  }

  /** What the last compaction had to keep, bytes. */
  get keptBytes(): number {
    return this.#keptBytes
  }

  /** What must be kept is longer than the log may be. */
  get limitExceeded(): boolean {
    return this.#limitExceeded && this.#isTooLong()
  }

  /** Why submissions must be refused; undefined while they need not. */
  get refusal(): string | undefined {
    if (!this.limitExceeded) return undefined
    return `the log has ${this.#log.sizeBytes} bytes that must be kept, more than WAL_BYTES_MAX=${this.#options.bytesMax}; raise it, or wait for records to be done and outcomes to expire`
  }

  /** @param lowOnDisk whether the disk has less room than its low mark. */
  start(lowOnDisk: () => boolean): void {
    this.#timer = setInterval(() => {
      const cause = this.#cause(lowOnDisk())
      if (cause === undefined) return
      this.#run(false, cause !== 'schedule').catch((error: unknown) =>
        this.#logger.warn({ err: error, cause }, 'compaction failed'),
      )
    }, LOOK_MS)
    this.#timer.unref()
  }

  /** As thorough as can be. @throws AppError unavailable while another one is under way. */
  run(dryRun: boolean): Promise<CompactionReport> {
    return this.#run(dryRun, true)
  }

  /** Begins no more, and ends the one under way after its segment: to be called before the log is closed. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.#stopping.abort()
    await this.#running?.catch(() => undefined) // whoever asked for it gets the error
  }

  #isTooLong(): boolean {
    return this.#options.bytesMax > 0 && this.#log.sizeBytes > this.#options.bytesMax
  }

  #cause(lowOnDisk: boolean): 'schedule' | 'byte limit' | 'full disk' | undefined {
    if (this.#running) return undefined
    const restedMs = monotonicMs() - this.#endedMs
    const { everyMs } = this.#options
    if (this.#isTooLong() && (!this.#limitExceeded || restedMs >= PRESSED_REST_MS)) return 'byte limit'
    if (lowOnDisk && restedMs >= PRESSED_REST_MS) return 'full disk'
    return everyMs > 0 && restedMs >= everyMs ? 'schedule' : undefined
  }

  async #run(dryRun: boolean, thorough: boolean): Promise<CompactionReport> {
    if (this.#running) throw unavailable('a compaction is under way; ask again when it has ended')
    const { retentionMs, dedupTtlMs, bytesMax, now } = this.#options
    const stopping = this.#stopping.signal
    const onProgress = (share: number): void => {
      this.#share = share
    }
    const limits = { retentionMs, dedupTtlMs, bytesMax }
    const running = this.#log.compact({ ...limits, now, dryRun, thorough, stopping, onProgress })
    this.#running = running
    this.#share = 0
    try {
      const report = await running
      if (!dryRun) this.#note(report)
      return report
    } finally {
      this.#running = undefined
      this.#share = undefined
      if (!dryRun) this.#endedMs = monotonicMs()
    }
  }

  #note(report: CompactionReport): void {
    this.#keptBytes = report.logBytes
    this.#limitExceeded = report.limitExceeded
    this.#metrics.compactedBytes.inc(report.freedBytes)
    if (report.obstacle === '') this.#metrics.compactionSuccess.setToCurrentTime()
    if (report.obstacle !== '' || report.limitExceeded) this.#logger.warn(report, 'compaction')
    else if (report.freedBytes > 0) this.#logger.info(report, 'compaction')
  }
}
