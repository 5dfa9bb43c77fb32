import { parseArgs } from 'node:util'

export const profiles = ['baseline', 'burst', 'steady', 'soak'] as const
export type ProfileName = (typeof profiles)[number]
export const runNames = [...profiles, 'ghz', 'capacity', 'smoke'] as const
export type RunName = (typeof runNames)[number]

export type LoadOptions = RunOptions | DifferenceOptions | { readonly kind: 'report' }

export interface RunOptions {
  readonly kind: 'run'
  readonly run: RunName
  /** Of a short form; undefined: the whole. */
  readonly seconds: number | undefined
  /** Share of the users, or of the rate. */
  readonly scale: number
  /** The host of BACKEND_URL where it is not this machine. */
  readonly target: string | undefined
  readonly dataDir: string | undefined
  /** The product that is started here is one process. */
  readonly oneProcess: boolean
}

/** Two reports beside each other. */
export interface DifferenceOptions {
  readonly kind: 'difference'
  readonly before: string
  readonly after: string
}

export const LOAD_HELP = `npm run load -- PROFILE [options]

  baseline   k6: 0 to 100 users within a minute, five minutes, down within a minute
  burst      k6: 500 users for a minute
  steady     k6: 1,000 submissions a second for five minutes
  soak       k6: 50 users for an hour
  ghz        ghz: each RPC of records, unary and as a stream, for ten seconds
  capacity   the open-loop generator: the highest rate that holds p99 below 200 ms, step by step
  smoke      the open-loop generator: a minute, for its answers alone

  --seconds N     a short form: the whole takes so long (ghz, capacity: each step)
  --scale X       a small form: the share of users, or of the rate (0.1)
  --target HOST   the host of BACKEND_URL, where it is not this machine
  --data-dir DIR  where the product that is started keeps its data (data/ in the checkout; removed afterwards)
  --one-process   gateway and services in one process

It starts the product on empty data, without a limit of the rate, unless BACKEND_URL names one; that one's key is
PCS_HMAC_KEY. k6 and ghz are built once by Go. The report is load/report/PROFILE.html, .md and .json; the figures of each run
are kept in load/history.csv. Exit code 1: a gate did not hold, or a record is not accounted for.

npm run load -- difference BEFORE AFTER   the Markdown of two reports (.json) beside each other, or of two directories with as
                                          many each, that took turns; exit code 1 where a figure is worse by over 10 %
npm run load -- report                    writes load/REPORT.md from the last whole run of each profile
`

/** What was asked for cannot be; the message is a sentence about it. */
export class UnusableLoadOptions extends Error {
  override readonly name = 'UnusableLoadOptions'
}

/** @returns undefined when help was asked for. @throws UnusableLoadOptions */
export function readLoadOptions(args: readonly string[]): LoadOptions | undefined {
  const { values, positionals } = parsed(args)
  const [name, ...rest] = positionals
  if (values.help || name === undefined) return undefined
  if (name === 'difference') {
    const [before, after] = rest
    if (before === undefined || after === undefined || rest.length > 2)
      throw new UnusableLoadOptions('difference takes two reports, or two directories of them: BEFORE AFTER')
    return { kind: 'difference', before, after }
  }
  if (name === 'report' && rest.length === 0) return { kind: 'report' }
  const run = runNames.find((known) => known === name)
  if (run === undefined || rest.length > 0)
    throw new UnusableLoadOptions(
      `a run is one of ${runNames.join(', ')} difference or report, not ${positionals.join(' ')}`,
    )
  return {
    kind: 'run',
    run,
    seconds: positive('--seconds', values.seconds, 24 * 3_600),
    scale: positive('--scale', values.scale, 100) ?? 1,
    target: values.target,
    dataDir: values['data-dir'],
    oneProcess: values['one-process'] ?? false,
  }
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        seconds: { type: 'string' },
        scale: { type: 'string' },
        target: { type: 'string' },
        'data-dir': { type: 'string' },
        'one-process': { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    })
  } catch (error) {
    throw new UnusableLoadOptions(error instanceof Error ? error.message : String(error))
  }
}

function positive(option: string, text: string | undefined, max: number): number | undefined {
  if (text === undefined) return undefined
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : 0
  if (value <= 0 || value > max)
    throw new UnusableLoadOptions(`${option} is a number above 0, up to ${max}, not ${text}`)
  return value
}
