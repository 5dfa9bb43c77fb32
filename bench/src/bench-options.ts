import { parseArgs } from 'node:util'
import { type LoadName, loadNames } from './compare/window.js'

/** This checkout beside itself, run another way. */
const pairNames = ['one-process', 'traced', 'tls', 'ed25519'] as const
const pairFlags = pairNames.map((name) => `--${name}`).join(', ')

export const variantNames = ['product', 'no-flush', 'compacting', 'redis', 'postgres'] as const
export type VariantName = (typeof variantNames)[number]

/** What `--only log` stands for, beside the log by itself. */
const LOG_VARIANTS: readonly VariantName[] = ['product', 'no-flush', 'compacting']
/** What `--only stores` stands for: product has the memory index. */
const STORE_VARIANTS: readonly VariantName[] = ['product', 'redis', 'postgres']
/** Without `--only`: what asks for no server beside the product. */
const USUAL_VARIANTS: readonly VariantName[] = ['product', 'no-flush', 'compacting']

export type BenchOptions = VariantOptions | CompareOptions | VerifierOptions | BatchOptions | MemoryOptions

/** Two builds side by side. */
export type CompareOptions = CompareSettings &
  (
    | {
        readonly kind: 'against'
        /** Another built checkout, the old one. */
        readonly against: string
      }
    | {
        readonly kind: 'beside'
        /** A file that says how another ingest endpoint is started. */
        readonly beside: string
      }
    | { readonly kind: (typeof pairNames)[number] }
  )

interface CompareSettings {
  readonly loads: readonly LoadName[]
  /** Pairs of windows for each load. */
  readonly windows: number
  readonly windowMs: number
  /** Under load before, for each build. */
  readonly warmupSeconds: number
  readonly connections: number
  /** Arrivals of the load `steady`. */
  readonly perSecond: number
  readonly dataDir: string | undefined
  readonly json: boolean
}

/** The memory store of dedup alone, in this process. */
export interface MemoryOptions {
  readonly kind: 'memory'
  readonly ids: number
  readonly json: boolean
}

/** Batches at a constant rate, five processes and one process by turns. */
export interface BatchOptions {
  readonly kind: 'batches'
  readonly rounds: number
  readonly seconds: number
  readonly warmupSeconds: number
  readonly connections: number
  /** Records. */
  readonly perSecond: number
  readonly dataDir: string | undefined
  readonly json: boolean
}

/** The verifier alone, in this process. */
export interface VerifierOptions {
  readonly kind: 'verifier'
  readonly windows: number
  readonly windowMs: number
  readonly dataDir: string | undefined
  readonly json: boolean
}

export interface VariantOptions {
  readonly kind: 'variants'
  readonly variants: readonly VariantName[]
  /** Whether the log is measured by itself, too. */
  readonly log: boolean
  readonly rounds: number
  readonly connections: number
  /** Measured time of one variant in one round. */
  readonly seconds: number
  /** Before it, under the same load, so that compilers and caches have settled; longer for a slow variant. */
  readonly warmupSeconds: number
  /** After it, over one connection. */
  readonly loneSeconds: number
  /** Where logs are written; undefined: below the checkout, where `npm start` keeps its data too. */
  readonly dataDir: string | undefined
  readonly json: boolean
  readonly profile: boolean
}

/** In the first seconds V8's compilers take a fifth of all CPU time; a service that runs for weeks does not. */
const WARMUP_SECONDS = 10
/** Short enough that both builds meet the same machine, long enough for CPU times in steps of 10 ms. */
const WINDOW_MS = 1_500
const COMPARE_WARMUP_SECONDS = 15

export const BENCH_HELP = `Usage: npm run bench -- [options]

Measures the product beside itself without flushes and under compaction, interleaved, each time with fresh processes
and fresh data; and the log by itself.

  --only NAME          only this variant: ${variantNames.join(', ')} (may be given more than once);
                       log: all that says something of the log; stores: product, redis and postgres,
                       the latter two on servers of their own
  --seconds N          measured time of each variant in each round (5)
  --warmup N           seconds of load before that, up to four times as long for a slow one (10)
  --lone N             seconds over a single connection after that (1)
  --rounds N           rounds (3; with --profile 1)
  --connections N      connections (256)
  --data-dir DIR       where the logs are written (data/ in the checkout)
  --json               the figures as JSON on standard output
  --profile            CPU profiles of the product's processes for the measured time; they cost some speed
  --help               this text

npm run bench -- --against DIR       this checkout beside the built checkout in DIR
npm run bench -- --beside FILE       another program that takes records over HTTP, as FILE says how to start it
                                     (bench/README.md)
npm run bench -- --one-process       everything in one process beside the five processes, and beside the least that a
                                     lone request can take (an empty HTTP request and two flushes)

npm run bench -- --traced            without traces, with 1 % and with 100 % of them
npm run bench -- --tls               TLS on every hop, that of the clients too, beside plain connections
npm run bench -- --ed25519           records under Ed25519 beside records under HMAC, and one crypto.verify

All run at the same time on data of their own and are loaded by turns; the figures are medians of ratios.

  --only LOAD          only this load: crowd, lone, steady (may be given more than once)
  --windows N          pairs of windows for each load (16)
  --seconds N          length of a window, in steps of a tenth (1.5)
  --warmup N           seconds of load on each build before (15)
  --connections N      connections of the crowd (256)
  --rate N             arrivals per second of the steady load (1000)
  --data-dir, --json, --help   as above

npm run bench -- --verifier          the verifier alone, in batches of 128, beside threads that only call crypto.verify;
                                     --windows, --seconds and --json as above

npm run bench -- --batches           64 records to a request at a constant rate, five processes and one process by turns:
                                     what share of the rate is reached, and p99 from the moment a request is due;
                                     --rate N records per second (10000), --seconds N (60), --warmup N (10),
                                     --connections N (32), --rounds N (1), --data-dir and --json as above
npm run bench -- --memory            the memory store of dedup alone: bytes for an id, longest stall; --ids N (10000000)
`

/** What was asked for on the command line cannot be; the message is a sentence about it. */
export class UnusableOptions extends Error {
  override readonly name = 'UnusableOptions'
}

/** @returns undefined when help was asked for. @throws UnusableOptions */
export function readBenchOptions(args: readonly string[]): BenchOptions | undefined {
  const values = parse(args)
  if (values.help) return undefined
  if (values.verifier) return readVerifierOptions(values)
  if (values.memory) return readMemoryOptions(values)
  if (values.batches) return readBatchOptions(values)
  if (values.against !== undefined || values.beside !== undefined || pairNames.some((name) => values[name]))
    return readCompareOptions(values)
  for (const option of ['windows', 'rate'] as const) {
    if (values[option] !== undefined)
      throw new UnusableOptions(
        `--${option} needs --against, --beside, --verifier, --batches or one of ${pairFlags}`,
      )
  }
  const profile = values.profile ?? false
  const only = (values.only ?? []).flatMap((text) => text.split(','))
  const log = only.includes('log')
  const stores = only.includes('stores')
  const groups = ['log', 'stores']
  const unknown = only.filter(
    (name) => !groups.includes(name) && !variantNames.some((known) => known === name),
  )
  if (unknown.length > 0) {
    throw new UnusableOptions(`--only is ${variantNames.join(', ')}, log or stores, not ${unknown.join(',')}`)
  }
  const wanted = variantNames.filter(
    (name) =>
      only.includes(name) ||
      (log && LOG_VARIANTS.includes(name)) ||
      (stores && STORE_VARIANTS.includes(name)),
  )
  return {
    kind: 'variants',
    variants: only.length > 0 ? wanted : USUAL_VARIANTS,
    log: log || only.length === 0,
    rounds: wholeNumber('--rounds', values.rounds, profile ? 1 : 3, 100),
    connections: wholeNumber('--connections', values.connections, 256, 4_096),
    seconds: wholeNumber('--seconds', values.seconds, 5, 600),
    warmupSeconds: wholeNumber('--warmup', values.warmup, WARMUP_SECONDS, 600),
    loneSeconds: wholeNumber('--lone', values.lone, 1, 600),
    dataDir: values['data-dir'],
    json: values.json ?? false,
    profile,
  }
}

type Values = ReturnType<typeof parse>

function readCompareOptions(values: Values): CompareOptions {
  const [kind, ...others] = pairNames.filter((name) => values[name])
  const { against, beside } = values
  if (others.length > 0 || [kind, against, beside].filter((asked) => asked !== undefined).length > 1)
    throw new UnusableOptions(`--against, --beside and ${pairFlags} are runs of their own`)
  for (const option of ['rounds', 'lone', 'profile'] as const) {
    if (values[option] !== undefined) throw new UnusableOptions(`--${option} does not go with two builds`)
  }
  const only = (values.only ?? []).flatMap((text) => text.split(','))
  const unknown = only.filter((name) => !loadNames.some((known) => known === name))
  if (unknown.length > 0)
    throw new UnusableOptions(`--only is ${loadNames.join(', ')} here, not ${unknown.join(',')}`)
  const settings = {
    loads: only.length > 0 ? loadNames.filter((name) => only.includes(name)) : loadNames,
    windows: wholeNumber('--windows', values.windows, 16, 1_000),
    windowMs: windowMsOf(values.seconds),
    warmupSeconds: wholeNumber('--warmup', values.warmup, COMPARE_WARMUP_SECONDS, 600),
    connections: wholeNumber('--connections', values.connections, 256, 4_096),
    perSecond: wholeNumber('--rate', values.rate, 1_000, 10_000),
    dataDir: values['data-dir'],
    json: values.json ?? false,
  }
  if (kind !== undefined) return { kind, ...settings }
  if (beside !== undefined) return { kind: 'beside', beside, ...settings }
  return { kind: 'against', against: against ?? '', ...settings }
}

function readVerifierOptions(values: Values): VerifierOptions {
  const { verifier: _, windows, seconds, json, 'data-dir': dataDir, ...others } = values
  const [other] = Object.keys(others)
  if (other !== undefined) throw new UnusableOptions(`--${other} does not go with --verifier`)
  return {
    kind: 'verifier',
    windows: wholeNumber('--windows', windows, 16, 1_000),
    windowMs: windowMsOf(seconds),
    dataDir,
    json: json ?? false,
  }
}

function readBatchOptions(values: Values): BatchOptions {
  const {
    batches: _,
    rate,
    seconds,
    warmup,
    connections,
    rounds,
    json,
    'data-dir': dataDir,
    ...others
  } = values
  const [other] = Object.keys(others)
  if (other !== undefined) throw new UnusableOptions(`--${other} does not go with --batches`)
  return {
    kind: 'batches',
    rounds: wholeNumber('--rounds', rounds, 1, 100),
    seconds: wholeNumber('--seconds', seconds, 60, 600),
    warmupSeconds: wholeNumber('--warmup', warmup, WARMUP_SECONDS, 600),
    connections: wholeNumber('--connections', connections, 32, 4_096),
    perSecond: wholeNumber('--rate', rate, 10_000, 100_000),
    dataDir,
    json: json ?? false,
  }
}

function readMemoryOptions(values: Values): MemoryOptions {
  const { memory: _, ids, json, ...others } = values
  const [other] = Object.keys(others)
  if (other !== undefined) throw new UnusableOptions(`--${other} does not go with --memory`)
  return { kind: 'memory', ids: wholeNumber('--ids', ids, 10_000_000, 100_000_000), json: json ?? false }
}

function windowMsOf(text: string | undefined): number {
  if (text === undefined) return WINDOW_MS
  const seconds = /^\d{1,2}(\.\d)?$/.test(text) ? Number(text) : 0
  if (seconds < 0.5 || seconds > 10)
    throw new UnusableOptions(`--seconds is a number from 0.5 to 10 in steps of 0.1, not ${text}`)
  return Math.round(seconds * 1000)
}

function parse(args: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        only: { type: 'string', multiple: true },
        seconds: { type: 'string' },
        warmup: { type: 'string' },
        lone: { type: 'string' },
        rounds: { type: 'string' },
        against: { type: 'string' },
        beside: { type: 'string' },
        'one-process': { type: 'boolean' },
        traced: { type: 'boolean' },
        tls: { type: 'boolean' },
        ed25519: { type: 'boolean' },
        verifier: { type: 'boolean' },
        batches: { type: 'boolean' },
        memory: { type: 'boolean' },
        ids: { type: 'string' },
        windows: { type: 'string' },
        rate: { type: 'string' },
        connections: { type: 'string' },
        'data-dir': { type: 'string' },
        json: { type: 'boolean' },
        profile: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    })
    return values
  } catch (error) {
    throw new UnusableOptions(error instanceof Error ? error.message : String(error))
  }
}

function wholeNumber(option: string, text: string | undefined, fallback: number, max: number): number {
  if (text === undefined) return fallback
  const value = /^\d{1,9}$/.test(text) ? Number(text) : 0
  if (value < 1 || value > max)
    throw new UnusableOptions(`${option} is a whole number from 1 to ${max}, not ${text}`)
  return value
}
