import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import {
  type Env,
  type LogLevel,
  readDataDirectory,
  readHost,
  readPort,
  StartError,
} from '@fractal-lba/runtime'
import type { Environment } from './environment.js'
import { readDataPlaces } from './layout.js'

/** What `npm start` was asked for. */
export interface StartConfig {
  readonly port: number
  /** Where the gateway listens. */
  readonly host: string
  readonly dataDir: string
  /** Where a person wants single things kept; all other places are decided by PORT and DATA_DIR. */
  readonly dataPlaces: Environment
  /** The lowest level of the processes' lines that is shown. */
  readonly shown: LogLevel
  /** What the processes write; undefined leaves it to them. */
  readonly written: LogLevel | undefined
}

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const satisfies LogLevel[]

/**
 * The command line of `npm start -- …`; its `--help` is answered before anything is built.
 * @throws StartError for one that cannot be understood.
 */
export function readStartArguments(args: readonly string[]): {
  readonly verbose: boolean
  readonly oneProcess: boolean
  readonly tls: boolean
} {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        verbose: { type: 'boolean', short: 'v' },
        'one-process': { type: 'boolean' },
        tls: { type: 'boolean' },
      },
    })
    const { verbose = false, 'one-process': oneProcess = false, tls = false } = values
    return { verbose, oneProcess, tls }
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split(/[.\n]/, 1)[0] ?? '') : String(error)
    throw new StartError(`${reason}: see npm start -- --help`)
  }
}

/** @param root the root of the checkout, which a relative DATA_DIR starts from. */
export function readStartConfig(env: Env, root: string, verbose: boolean): StartConfig {
  const asked = env.optional('LOG_LEVEL')
  const level = env.oneOf('LOG_LEVEL', LEVELS, verbose ? 'debug' : 'warn')
  return {
    port: readPort(env),
    host: readHost(env),
    dataDir: resolve(root, readDataDirectory(env)),
    dataPlaces: readDataPlaces(env),
    shown: level,
    written: asked === undefined && verbose ? 'debug' : undefined,
  }
}
