import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { type Env, type LogLevel, StartError } from '@fractal-lba/runtime'
import { PORT_MAX } from './layout.js'

/** What `npm start` was asked for. */
export interface StartConfig {
  readonly port: number
  /** Where the gateway listens. */
  readonly host: string
  readonly dataDir: string
  /** The lowest level of the processes' lines that is shown. */
  readonly shown: LogLevel
  /** What the processes write; undefined leaves it to them. */
  readonly written: LogLevel | undefined
}

const PORT_DEFAULT = 8080
const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const satisfies LogLevel[]

/**
 * The command line of `npm start -- …`; its `--help` is answered before anything is built.
 * @throws StartError for one that cannot be understood.
 */
export function readStartArguments(args: readonly string[]): { readonly verbose: boolean } {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { verbose: { type: 'boolean', short: 'v' } },
    })
    return { verbose: values.verbose ?? false }
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
    port: env.integer('PORT', PORT_DEFAULT, { min: 1, max: PORT_MAX }),
    host: env.text('HOST', '127.0.0.1'),
    dataDir: resolve(root, env.text('DATA_DIR', 'data')),
    shown: level,
    written: asked === undefined && verbose ? 'debug' : undefined,
  }
}
