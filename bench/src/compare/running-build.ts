import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type LoadTarget, recordMaker, submitRequest } from '@fractal-lba/load'
import {
  type Constellation,
  type Environment,
  freePortBlock,
  type Program,
  startConstellation,
} from '@fractal-lba/local'
import { hmacKey } from '@fractal-lba/pcs'
import { MACHINE_VARIABLES } from '../round.js'

/** What is started: the programs of one checkout, or one program for all of it. */
export interface Build {
  readonly name: string
  readonly root: string
  readonly programs: readonly Program[]
  /** What its processes are told beside what all are. */
  readonly env?: Environment
}

export interface BuildPlace {
  /** A directory of its own is made below it, and removed. */
  readonly dataDir: string
  readonly hmacKey: string
  readonly seed: number
  readonly connections: number
  readonly signal: AbortSignal
}

/** One build's processes, and the requests that are sent to them. */
export interface RunningBuild {
  readonly name: string
  /** Of its own processes alone. */
  readonly pids: readonly number[]
  /** With the connections of the crowd. */
  readonly target: LoadTarget
  /** The next request, each with an id of its own. */
  next(): Buffer | undefined
  /** Signs requests until so many are in store: between windows, not in them. */
  stock(count: number): void
  stop(): Promise<void>
}

const LOOPBACK = '127.0.0.1'

/** Starts a build on empty data; nothing of it is left when that fails. */
export async function startBuild(
  { name, root, programs, env }: Build,
  place: BuildPlace,
): Promise<RunningBuild> {
  const ports = await freePortBlock()
  const dataDir = await mkdtemp(join(place.dataDir, `bench-${name}-`))
  let constellation: Constellation | undefined
  const stop = async (): Promise<void> => {
    await constellation?.stop()
    await rm(dataDir, { recursive: true, force: true })
    await ports.release()
  }
  try {
    constellation = await startConstellation({
      port: ports.base,
      dataDir,
      cwd: root,
      supervise: false,
      programs,
      inherit: Object.fromEntries(MACHINE_VARIABLES.map((variable) => [variable, process.env[variable]])),
      env: { ...environmentOf(programs, dataDir, place.hmacKey), ...env },
      signal: place.signal,
    })
    const target = { host: LOOPBACK, port: ports.base, connections: place.connections }
    const pids = Object.values(constellation.pids())
    return { name, pids, target, ...supply(place.seed, place.hmacKey), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

function environmentOf(programs: readonly Program[], dataDir: string, key: string): Environment {
  const env = { PCS_SIGN_ALG: 'hmac', PCS_HMAC_KEY: key, TOKEN_RATE: '0' }
  // One program for all of it places its parts by itself.
  return programs.length === 1 ? { ...env, DATA_DIR: dataDir } : env
}

function supply(seed: number, key: string): Pick<RunningBuild, 'next' | 'stock'> {
  const make = recordMaker({ seed, key: hmacKey(key) })
  const requests: Buffer[] = []
  return {
    next: () => requests.pop(),
    stock(count) {
      while (requests.length < count) requests.push(submitRequest(make().body))
    },
  }
}
