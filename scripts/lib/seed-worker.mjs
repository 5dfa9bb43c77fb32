// One thread of a pool: gets ranges of seeds and says of each range what was found.
import { parentPort, workerData } from 'node:worker_threads'

/** @type {{ module: string, kinds: readonly string[], place: SharedArrayBuffer }} */
const { module, kinds, place } = workerData
/** @type {{ simulations: Readonly<Record<string, (seed: number) => Promise<object>>> }} */
const { simulations } = await import(module)
/** Where it is: seed and kind, so that one that never ends can be named from outside. */
const now = new Uint32Array(place)

/**
 * @param {number} from
 * @param {number} end the first seed beyond
 */
async function runRange(from, end) {
  /** @type {import('./seed-pool.mjs').Failure[]} */
  const failures = []
  /** @type {Record<string, Record<string, number>>} */
  const totals = {}
  for (let seed = from; seed < end; seed++) {
    for (const [index, kind] of kinds.entries()) {
      Atomics.store(now, 0, seed)
      Atomics.store(now, 1, index)
      try {
        add(totals, kind, await simulations[kind]?.(seed))
      } catch (error) {
        failures.push({ seed, kind, message: error instanceof Error ? error.message : String(error) })
      }
    }
  }
  parentPort?.postMessage({ done: end - from, failures, totals })
}

/**
 * @param {Record<string, Record<string, number>>} totals
 * @param {string} kind
 * @param {object | undefined} report
 */
function add(totals, kind, report = {}) {
  totals[kind] ??= {}
  const sums = totals[kind]
  for (const [name, count] of Object.entries(report)) {
    if (name !== 'seed' && typeof count === 'number') sums[name] = (sums[name] ?? 0) + count
  }
}

parentPort?.on('message', ({ from, end }) => void runRange(from, end))
parentPort?.postMessage({ done: 0, failures: [], totals: {} })
