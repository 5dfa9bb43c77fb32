import { join } from 'node:path'
import {
  addressVariables,
  type Env,
  localGrpcAddress,
  localOpsAddress,
  type ServiceName,
  serviceNames,
  topology,
} from '@fractal-lba/runtime'

/** A service, or the one process that has all of them. */
export type ProgramName = ServiceName | 'one-process'

/** A program of the constellation: its name and the file that Node runs. */
export interface Program {
  readonly name: ProgramName
  readonly main: string
}

/** The programs as the build leaves them under the root of the checkout. */
export function builtPrograms(root: string): readonly Program[] {
  return serviceNames.map((name) => ({
    name,
    main:
      name === 'gateway' ? join(root, 'gateway/dist/main.js') : join(root, 'services', name, 'dist/main.js'),
  }))
}

/** The program that has gateway and services in one process. */
export function oneProcessProgram(root: string): Program {
  return { name: 'one-process', main: join(root, 'constellation/dist/main.js') }
}

/** Variables by which a person may choose where data is kept. */
const DATA_VARIABLES = ['WAL_DIR', 'DEDUP_SNAPSHOT']
/** Where a process is, is decided here alone: an address left over in somebody's shell must not mix them up. */
export const PLACEMENT_VARIABLES = [
  'PORT',
  'GRPC_ADDR',
  'METRICS_ADDR',
  ...addressVariables,
  ...DATA_VARIABLES,
]

/** The variables that place one process: its own addresses, those of the others, where it keeps its data. */
export function placement(
  name: ProgramName,
  base: number,
  dataDir: string,
): Readonly<Record<string, string>> {
  if (name === 'one-process') return { PORT: String(base), DATA_DIR: dataDir }
  const needed = topology[name].needs.map((other) => [
    topology[other].addressVariable,
    localGrpcAddress(other, base),
  ])
  const own =
    name === 'gateway'
      ? { PORT: String(base) }
      : { GRPC_ADDR: localGrpcAddress(name, base), METRICS_ADDR: localOpsAddress(name, base) }
  return { ...own, ...Object.fromEntries(needed), ...dataPlaces(name, dataDir) }
}

function dataPlaces(name: ServiceName, dataDir: string): Readonly<Record<string, string>> {
  if (name === 'wal') return { WAL_DIR: join(dataDir, 'wal') }
  if (name === 'dedup') return { DEDUP_SNAPSHOT: join(dataDir, 'dedup', 'snapshot') }
  return {}
}

/** Where a person wants single things kept; all other places are decided by PORT and DATA_DIR. */
export function readDataPlaces(env: Env): Readonly<Record<string, string>> {
  return Object.fromEntries(
    DATA_VARIABLES.flatMap((name) => {
      const value = env.optional(name)
      return value === undefined ? [] : [[name, value]]
    }),
  )
}
