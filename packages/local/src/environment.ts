import { PLACEMENT_VARIABLES, type ProgramName, placement } from './layout.js'
import { isGiven } from './secrets.js'

/** Variables of a process; undefined removes one that would be inherited. */
export type Environment = Readonly<Record<string, string | undefined>>

/** Where the variables of the processes of a constellation come from, each layer over the one before. */
export interface EnvironmentLayers {
  /** What the processes inherit; `process.env` unless told otherwise. */
  readonly inherit?: Environment
  /** For every process, over what they inherit and over their places. */
  readonly env?: Environment
  /** For single processes, over all else. */
  readonly envOf?: Partial<Readonly<Record<ProgramName, Environment>>>
}

/** The whole environment of one process: of the secrets those that it needs. */
export function environmentOf(
  name: ProgramName,
  place: { readonly port: number; readonly dataDir: string },
  layers: EnvironmentLayers,
): NodeJS.ProcessEnv {
  const inherited = { ...(layers.inherit ?? process.env) }
  for (const variable of PLACEMENT_VARIABLES) delete inherited[variable]
  const shared = { ...inherited, ...placement(name, place.port, place.dataDir), ...layers.env }
  const all = {
    ...Object.fromEntries(Object.entries(shared).filter(([variable]) => isGiven(variable, name))),
    ...layers.envOf?.[name],
  }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
}

/** The host under which this machine reaches a server that listens at HOST, as a URL writes it. */
export function reachableHost(host: string | undefined): string {
  if (host === undefined || host === '' || host === '0.0.0.0') return '127.0.0.1'
  if (host === '::') return '[::1]'
  return host.includes(':') ? `[${host}]` : host
}

/** What a program needs of the machine; none of the product's variables. */
const MACHINE_VARIABLES = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'TZ']
/** Marks every process of a run of `npm test`, so that it can see whether it left one behind. */
const TEST_RUN_VARIABLE = 'FRACTAL_LBA_TEST_RUN'

/** What a test lets its processes inherit: nothing of the product's gets from somebody's shell into a test. */
export function testEnvironment(env: NodeJS.ProcessEnv = process.env): Environment {
  return Object.fromEntries([...MACHINE_VARIABLES, TEST_RUN_VARIABLE].map((name) => [name, env[name]]))
}
