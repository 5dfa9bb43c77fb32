import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'

/** What is simulated; each runs each seed. */
export const KINDS = Object.freeze(['crashes', 'damage', 'outbox'])

export const SIMULATE_HELP = `npm run simulate -- [options]

Lets logs live on a simulated disk, by chance from one seed each: processes that stop, power cuts that tear, drop
and reorder what was not flushed, calls that fail, a full disk, compaction (crashes); files whose bytes are
changed, moved, cut or removed (damage); an agent's outbox and sender, with a peer that loses requests and answers
(outbox). What must hold stands at the head of packages/wal/src/testing/simulation.ts and damage-simulation.ts and of
packages/agent/src/testing/outbox-simulation.ts.

  --seeds N       how many seeds (2000)
  --from N        the first one (0)
  --seed N        this one alone
  --only KIND     ${KINDS.join(', ')}: this one alone
  --workers N     threads (one for each core)
  --json          the result as JSON on standard output
  --help          this text

Exit codes: 0 all seeds are clean, 1 some are not, 2 wrong command line.
`

/**
 * @typedef {object} Wanted
 * @property {number} from the first seed
 * @property {number} seeds how many
 * @property {readonly string[]} kinds
 * @property {number} workers
 * @property {boolean} json
 */

/**
 * @param {readonly string[]} args of the command line
 * @returns {Wanted | string} the help text or a sentence when there is nothing to be done
 */
export function wantedOf(args) {
  const values = valuesOf(args)
  if (typeof values === 'string') return values
  if (values.help) return SIMULATE_HELP
  const { only, seed } = values
  if (only !== undefined && !KINDS.includes(only)) return `--only is one of ${KINDS.join(', ')}, not ${only}`
  if (seed !== undefined && (values.seeds !== undefined || values.from !== undefined)) {
    return '--seed is one seed alone: leave out --seeds and --from'
  }
  const from = whole(seed ?? values.from ?? '0', 0, 0xffff_ffff)
  const seeds = whole(seed === undefined ? (values.seeds ?? '2000') : '1', 1, 100_000_000)
  const workers = whole(values.workers ?? String(availableParallelism()), 1, 256)
  if (from === undefined || from + (seeds ?? 0) > 0x1_0000_0000) return 'a seed is a whole number below 2^32'
  if (seeds === undefined) return '--seeds is a whole number from 1 to 100000000'
  if (workers === undefined) return '--workers is a whole number from 1 to 256'
  return { from, seeds, workers, kinds: only === undefined ? KINDS : [only], json: values.json ?? false }
}

/** @param {readonly string[]} args */
function valuesOf(args) {
  /** @type {{ type: 'string' }} */
  const text = { type: 'string' }
  /** @type {{ type: 'boolean' }} */
  const flag = { type: 'boolean' }
  try {
    const options = { seeds: text, from: text, seed: text, only: text, workers: text, json: flag, help: flag }
    return parseArgs({ args: [...args], options }).values
  } catch (error) {
    return `${error instanceof Error ? error.message : String(error)}\nSee npm run simulate -- --help`
  }
}

/**
 * @param {string} text
 * @param {number} min
 * @param {number} max
 */
function whole(text, min, max) {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN
  return value >= min && value <= max ? value : undefined
}
