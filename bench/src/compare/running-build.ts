import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type LoadTarget, recordMaker, submitRequest } from '@fractal-lba/load'
import {
  type Constellation,
  developmentTls,
  type Environment,
  freePortBlock,
  type Program,
  startConstellation,
} from '@fractal-lba/local'
import { type Ed25519PrivateKey, ed25519PrivateKey, type HmacKey, hmacKey } from '@fractal-lba/pcs'
import { MACHINE_VARIABLES } from '../round.js'

/** What is started: the programs of one checkout, or one program for all of it. */
export interface Build {
  readonly name: string
  readonly root: string
  readonly programs: readonly Program[]
  /** What its processes are told beside what all are. */
  readonly env?: Environment
  /** TLS on every hop, that of its clients too. */
  readonly isSecure?: boolean
  /** Of its records; HMAC unless told otherwise. */
  readonly algorithm?: 'hmac' | 'ed25519'
}

export interface BuildPlace {
  /** A directory of its own is made below it, and removed. */
  readonly dataDir: string
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
  { name, root, programs, env, isSecure = false, algorithm = 'hmac' }: Build,
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
    const signing = algorithm === 'hmac' ? hmacSigning() : ed25519Signing()
    const tls = isSecure ? await developmentTls(join(dataDir, 'tls')) : undefined
    constellation = await startConstellation({
      port: ports.base,
      dataDir,
      cwd: root,
      supervise: false,
      programs,
      inherit: Object.fromEntries(MACHINE_VARIABLES.map((variable) => [variable, process.env[variable]])),
      env: { ...environmentOf(programs, dataDir), ...signing.env, ...env },
      ...(tls && { envOf: tls.envOf }),
      signal: place.signal,
    })
    const ca = tls && (await readFile(tls.caFile, 'utf8'))
    const target = { host: LOOPBACK, port: ports.base, ca, connections: place.connections }
    const pids = Object.values(constellation.pids())
    return { name, pids, target, ...supply(place.seed, signing.key), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

interface Signing {
  readonly key: HmacKey | Ed25519PrivateKey
  readonly env: Environment
}

function hmacSigning(): Signing {
  const secret = randomBytes(24).toString('base64')
  return { key: hmacKey(secret), env: { PCS_SIGN_ALG: 'hmac', PCS_HMAC_KEY: secret } }
}

function ed25519Signing(): Signing {
  const key = ed25519PrivateKey(randomBytes(32).toString('base64'))
  return { key, env: { PCS_SIGN_ALG: 'ed25519', PCS_ED25519_PUB_B64: key.publicKey.base64 } }
}

function environmentOf(programs: readonly Program[], dataDir: string): Environment {
  const env = { TOKEN_RATE: '0' }
  // One program for all of it places its parts by itself.
  return programs.length === 1 ? { ...env, DATA_DIR: dataDir } : env
}

function supply(seed: number, key: HmacKey | Ed25519PrivateKey): Pick<RunningBuild, 'next' | 'stock'> {
  const make = recordMaker({ seed, key })
  const requests: Buffer[] = []
  return {
    next: () => requests.pop(),
    stock(count) {
      while (requests.length < count) requests.push(submitRequest(make().body))
    },
  }
}
