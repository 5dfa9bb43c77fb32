import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'

/** Read in this process, on all cores. */
export const PURE_TARGETS = Object.freeze(['record', 'grpc', 'frames', 'csv'])
/** Sent to a gateway with its services in one process beside, which is started for it. */
export const SOCKET_TARGETS = Object.freeze(['http', 'http-raw', 'grpc-front'])

export const FUZZ_HELP = `npm run fuzz -- --target NAME [--seconds N | --bodies N] [options]

Makes inputs by chance, each from its seed, and watches how they are answered: no crash, no 500, nothing that the
contract does not know.

  --target NAME   read by the product's functions in this process, on all cores:
                    record      bodies of submissions: parser, validation, signature, judgement
                    grpc        messages of all methods of the gateway and the services
                    frames      segments of a log
                    csv         files of events
                  sent to a gateway with its services in a process beside:
                    http        bodies of submissions over kept connections
                    http-raw    whatever bytes on a connection
                    grpc-front  calls over HTTP/2
  --seconds N     how long (30)
  --bodies N      how many inputs instead
  --from N        the first seed (by chance, and said)
  --seed N        this one alone
  --input FILE    this file alone, as it was stored
  --workers N     threads, for targets in this process (one for each core)
  --help          this text

An input that fails is stored below test/fuzz/failures, and its seed is said. Put it into test/fuzz/corpus when it is mended.
Exit codes: 0 nothing found, 1 something, 2 wrong command line.
`

/**
 * @typedef {object} Wanted
 * @property {string} target
 * @property {number} from the first seed
 * @property {number} bodies how many at most
 * @property {number | undefined} seconds how long at most
 * @property {number} workers
 * @property {string | undefined} input a file
 */

const SEEDS = 2 ** 32

/**
 * @param {readonly string[]} args of the command line
 * @returns {Wanted | string} the help text or a sentence when there is nothing to be done
 */
export function wantedOf(args) {
  const values = valuesOf(args)
  if (typeof values === 'string') return values
  const { help, target, seed, input } = values
  if (help) return FUZZ_HELP
  const targets = [...PURE_TARGETS, ...SOCKET_TARGETS]
  if (target === undefined || !targets.includes(target)) return `--target is one of ${targets.join(', ')}`
  if (seed !== undefined && (values.from ?? values.bodies ?? values.seconds) !== undefined) {
    return '--seed is one seed alone: leave out --from, --bodies and --seconds'
  }
  if (values.bodies !== undefined && values.seconds !== undefined) return 'either --bodies or --seconds'
  const from = whole(seed ?? values.from ?? String(Math.floor(Math.random() * SEEDS)), 0, SEEDS - 1)
  if (from === undefined) return 'a seed is a whole number below 2^32'
  const bodies = whole(seed === undefined ? (values.bodies ?? String(SEEDS)) : '1', 1, SEEDS)
  if (bodies === undefined) return '--bodies is a whole number from 1 to 4294967296'
  const isTimed = seed === undefined && values.bodies === undefined
  const seconds = isTimed ? whole(values.seconds ?? '30', 1, 1_000_000) : Number.POSITIVE_INFINITY
  if (seconds === undefined) return '--seconds is a whole number from 1 to 1000000'
  const workers = whole(values.workers ?? String(availableParallelism()), 1, 256)
  if (workers === undefined) return '--workers is a whole number from 1 to 256'
  return { target, from, bodies, seconds: Number.isFinite(seconds) ? seconds : undefined, workers, input }
}

/** @param {readonly string[]} args */
function valuesOf(args) {
  /** @type {{ type: 'string' }} */
  const text = { type: 'string' }
  /** @type {{ type: 'boolean' }} */
  const flag = { type: 'boolean' }
  const options = {
    ...{ target: text, seconds: text, bodies: text, from: text, seed: text, input: text, workers: text },
    help: flag,
  }
  try {
    return parseArgs({ args: [...args], options }).values
  } catch (error) {
    return `${error instanceof Error ? error.message : String(error)}\nSee npm run fuzz -- --help`
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
