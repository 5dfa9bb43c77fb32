import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type Logger, StartError } from '@fractal-lba/runtime'
import { makeDirectory } from '@fractal-lba/runtime/make-directory'
import type { DedupMetrics } from '../metrics.js'
import { pause } from '../pause.js'
import type { MemoryStore } from './memory-store.js'
import { readSnapshot, writeSnapshot } from './snapshot.js'

/** After a snapshot the schedule pauses at least so many times as long as it took: the log needs the disk. */
const REST_PER_WORK = 9

export interface SnapshotOptions {
  readonly path: string
  readonly everyMs: number
  readonly ttlMs: number
}

/** Reads the snapshot at the start, writes one at every interval in which something has changed, and at the stop. */
export class SnapshotSchedule {
  readonly #store: MemoryStore
  readonly #options: SnapshotOptions
  readonly #metrics: DedupMetrics
  readonly #logger: Logger
  readonly #stopping = new AbortController()
  #writing: Promise<void> = Promise.resolve()
  #written: number | undefined

  constructor(store: MemoryStore, options: SnapshotOptions, metrics: DedupMetrics, logger: Logger) {
    this.#store = store
    this.#options = options
    this.#metrics = metrics
    this.#logger = logger
  }

  /** Makes the directory for it. @throws StartError if it cannot be written to. */
  async prepare(): Promise<void> {
    const directory = dirname(this.#options.path)
    try {
      await makeDirectory(directory)
      await access(directory, constants.W_OK)
    } catch (error) {
      throw new StartError(
        `the directory ${directory} cannot be made or written to; set DEDUP_SNAPSHOT or DATA_DIR to one that can`,
        {
          cause: error,
        },
      )
    }
  }

  /** Fills the store from the snapshot, if it can be used, then begins to write. */
  async restore(): Promise<void> {
    const { path, ttlMs, everyMs } = this.#options
    const result = await readSnapshot(path, this.#store, ttlMs)
    if (result.restored)
      this.#logger.info({ remembered: this.#store.state().remembered }, 'read the snapshot')
    else if (result.why === 'missing') this.#logger.info('there is no snapshot: the whole log is read')
    else this.#logger.warn({ path, why: result.why }, 'the snapshot is ignored: the whole log is read')
    this.#written = this.#store.changes
    this.#writing = this.#writeEvery(everyMs)
  }

  /** Ends the schedule with a last snapshot, unless the one on the disk has never been read. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#writing
    if (this.#written !== undefined) await this.#write()
  }

  async #writeEvery(everyMs: number): Promise<void> {
    for (let tookMs = 0; ; ) {
      await pause(Math.max(everyMs, tookMs * REST_PER_WORK), this.#stopping.signal)
      if (this.#stopping.signal.aborted) return
      const startedMs = performance.now()
      await this.#write()
      tookMs = performance.now() - startedMs
    }
  }

  /** A snapshot that cannot be written costs a longer start, nothing else. */
  async #write(): Promise<void> {
    const { changes } = this.#store
    if (changes === this.#written) return
    const startedMs = performance.now()
    try {
      await writeSnapshot(this.#options.path, this.#store, this.#options.ttlMs)
      this.#written = changes
      this.#logger.info({ tookMs: Math.round(performance.now() - startedMs) }, 'wrote a snapshot')
    } catch (error) {
      this.#metrics.snapshotFailures.inc()
      this.#logger.error({ err: error }, 'the snapshot cannot be written; the last one stays')
    }
  }
}
