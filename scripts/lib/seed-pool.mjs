import { Worker } from 'node:worker_threads'

/**
 * @typedef {object} Failure
 * @property {number} seed
 * @property {string} kind
 * @property {string} message
 */

/**
 * @typedef {object} Result
 * @property {number} seeds how many were run
 * @property {readonly Failure[]} failures by seed
 * @property {Readonly<Record<string, Readonly<Record<string, number>>>>} totals what happened, by kind
 */

/**
 * @typedef {object} Work
 * @property {string} module URL of the module whose `simulations` are run
 * @property {readonly string[]} kinds
 * @property {number} from
 * @property {number} seeds
 * @property {number} workers
 * @property {number} [seedLimitMs] a seed that takes longer has failed: it never ends
 * @property {number} [forMs] no range of seeds is begun after so long
 * @property {number} [rangeSeeds] given to a worker at once: some hundred milliseconds of work
 * @property {(seeds: number, failures: number) => void} [onProgress]
 */

const RANGE_SEEDS = 25
const SEED_LIMIT_MS = 60_000
const LOOK_MS = 250
/** More say nothing new. */
const FAILURES_MAX = 100

/**
 * Runs all seeds on so many threads. A seed that throws, ends its thread or never ends is one failure, and the
 * others go on.
 * @param {Work} work
 * @returns {Promise<Result>}
 */
export async function runSeeds(work) {
  const pool = new Pool(work)
  await Promise.all(Array.from({ length: work.workers }, () => pool.thread()))
  return pool.result()
}

class Pool {
  #work
  #next
  #end
  #seeds = 0
  #endMs
  /** @type {Failure[]} */
  #failures = []
  /** @type {Record<string, Record<string, number>>} */
  #totals = {}

  /** @param {Work} work */
  constructor(work) {
    this.#work = work
    this.#next = work.from
    this.#end = work.from + work.seeds
    this.#endMs = performance.now() + (work.forMs ?? Number.POSITIVE_INFINITY)
  }

  /** @returns {Result} */
  result() {
    const failures = [...this.#failures].sort((left, right) => left.seed - right.seed)
    return { seeds: this.#seeds, failures, totals: this.#totals }
  }

  /** Works until no seed is left, with a new worker after each that a seed has ended. */
  async thread() {
    for (;;) {
      let range = this.#take()
      if (range === undefined) return
      while (range !== undefined) range = await this.#untilBroken(range)
    }
  }

  /** @returns {{ from: number, end: number } | undefined} */
  #take() {
    if (this.#next >= this.#end || this.#failures.length >= FAILURES_MAX) return undefined
    if (performance.now() >= this.#endMs) return undefined
    const from = this.#next
    this.#next = Math.min(this.#end, from + (this.#work.rangeSeeds ?? RANGE_SEEDS))
    return { from, end: this.#next }
  }

  /**
   * @param {{ from: number, end: number }} first
   * @returns {Promise<{ from: number, end: number } | undefined>} what is left of the range that a seed broke
   */
  #untilBroken(first) {
    const { module, kinds, seedLimitMs = SEED_LIMIT_MS } = this.#work
    const place = new SharedArrayBuffer(8)
    const now = new Uint32Array(place)
    now[0] = first.from
    const worker = new Worker(new URL('./seed-worker.mjs', import.meta.url), {
      workerData: { module, kinds, place },
    })
    return new Promise((resolve, reject) => {
      /** @type {{ from: number, end: number } | undefined} */
      let range
      let watched = ''
      let sinceMs = performance.now()
      /** @param {string} message */
      const broken = (message) => {
        clearInterval(watch)
        const seed = now[0] ?? 0
        if (range === undefined) {
          reject(new Error(`it cannot run: ${message}`))
          return
        }
        this.#add({ done: seed - range.from + 1, totals: {} }, [
          { seed, kind: kinds[now[1] ?? 0] ?? '', message },
        ])
        resolve(seed + 1 < range.end ? { from: seed + 1, end: range.end } : undefined)
        void worker.terminate()
      }
      const watch = setInterval(() => {
        const at = now.join()
        if (at !== watched) {
          watched = at
          sinceMs = performance.now()
        } else if (performance.now() - sinceMs > seedLimitMs) {
          broken(`it has not ended in ${seedLimitMs} ms`)
        }
      }, LOOK_MS)
      worker.on('error', (error) => broken(error instanceof Error ? error.message : String(error)))
      worker.on('message', ({ done, failures, totals }) => {
        this.#add({ done, totals }, failures)
        range = range === undefined ? first : this.#take()
        if (range !== undefined) {
          worker.postMessage(range)
          return
        }
        clearInterval(watch)
        worker.removeAllListeners('error')
        worker.terminate().then(() => resolve(undefined), reject)
      })
    })
  }

  /**
   * @param {{ done: number, totals: Record<string, Record<string, number>> }} part
   * @param {readonly Failure[]} failures
   */
  #add({ done, totals }, failures) {
    this.#seeds += done
    this.#failures.push(...failures)
    for (const [kind, sums] of Object.entries(totals)) {
      this.#totals[kind] ??= {}
      const mine = this.#totals[kind]
      for (const [name, count] of Object.entries(sums)) mine[name] = (mine[name] ?? 0) + count
    }
    this.#work.onProgress?.(this.#seeds, this.#failures.length)
  }
}
