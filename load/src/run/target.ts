import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import {
  builtPrograms,
  freePortBlock,
  oneProcessProgram,
  type ProgramName,
  startConstellation,
  testEnvironment,
} from '@fractal-lba/local'
import { localOpsAddress, serviceNames } from '@fractal-lba/runtime'
import { cpuMsOf } from '../process-cpu.js'

/** What is loaded. */
export interface Target {
  /** Without a slash at the end. */
  readonly baseUrl: string
  /** host:port of the gateway's gRPC. */
  readonly grpcAddress: string
  readonly hmacKey: string
  /** Where the metrics of each process are. */
  readonly metricsUrls: ReadonlyMap<ProgramName, string>
  /** Gateway and services share one process. */
  readonly isOneProcess: boolean
  /** Of the product that was started here more is known. */
  readonly own: OwnProduct | undefined
  close(): Promise<void>
}

export interface OwnProduct {
  readonly walDir: string
  readonly port: number
  /** CPU time so far, of all its processes. */
  cpuMs(): number
  /** The last lines of each process that are no mere information. */
  complaints(): readonly string[]
}

/** What was asked for cannot be loaded; the message says why. */
export class TargetError extends Error {
  override readonly name = 'TargetError'
}

const COMPLAINTS_SHOWN = 5
const LOCAL_HOSTS = ['127.0.0.1', 'localhost', '[::1]']

export interface TargetOptions {
  readonly root: string
  /** Below it the data of a product that is started here. */
  readonly dataDir: string
  /** The host of BACKEND_URL where it is not this machine. */
  readonly named: string | undefined
  readonly env: NodeJS.ProcessEnv
  /** Of a product that is started here: all of it in one process. */
  readonly oneProcess: boolean
  /** What it is told beside. */
  readonly settings?: Readonly<Record<string, string>>
  readonly signal: AbortSignal
  readonly say: (line: string) => void
}

/** The product that BACKEND_URL names, else one that is started here. @throws TargetError, ConstellationError */
export async function openTarget(options: TargetOptions): Promise<Target> {
  const { BACKEND_URL: url } = options.env
  return url ? namedTarget(url, options.named, options.env) : startedTarget(options)
}

/** @throws TargetError */
export function namedTarget(text: string, named: string | undefined, env: NodeJS.ProcessEnv): Target {
  const url = URL.parse(text)
  if (!url || !['http:', 'https:'].includes(url.protocol))
    throw new TargetError(`BACKEND_URL is no http or https URL: ${text}`)
  const { hostname } = url
  const isLocal = LOCAL_HOSTS.includes(hostname)
  if (!isLocal && named !== hostname)
    throw new TargetError(
      `${hostname} is not this machine: --target ${hostname} says that it shall be loaded`,
    )
  const { PCS_HMAC_KEY: hmacKey } = env
  if (!hmacKey) throw new TargetError('PCS_HMAC_KEY is not set: the key that BACKEND_URL verifies with')
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80))
  const baseUrl = text.replace(/\/+$/, '')
  // A local start has its services beside it; of another one only the gateway's metrics are known.
  const metricsUrls = isLocal
    ? localMetrics(port, baseUrl)
    : new Map([['gateway', `${baseUrl}/metrics`]] as const)
  return {
    ...{ baseUrl, hmacKey, metricsUrls, own: undefined, isOneProcess: false },
    grpcAddress: `${hostname}:${port + 1}`,
    close: () => Promise.resolve(),
  }
}

async function startedTarget({
  root,
  dataDir,
  oneProcess,
  settings,
  signal,
  say,
}: TargetOptions): Promise<Target> {
  const ports = await freePortBlock()
  const place = await mkdtemp(join(dataDir, 'load-'))
  const clean = async (): Promise<void> => {
    await rm(place, { recursive: true, force: true })
    await ports.release()
  }
  const hmacKey = randomBytes(24).toString('base64')
  try {
    const programs = oneProcess ? [oneProcessProgram(root)] : builtPrograms(root)
    say('starting the product on empty data')
    const constellation = await startConstellation({
      ...{ port: ports.base, dataDir: place, cwd: root, signal },
      supervise: false,
      programs,
      inherit: testEnvironment(),
      env: { PCS_SIGN_ALG: 'hmac', PCS_HMAC_KEY: hmacKey, TOKEN_RATE: '0', ...settings },
    })
    const { baseUrl, grpcAddress } = constellation
    return {
      ...{ baseUrl, grpcAddress, hmacKey, isOneProcess: oneProcess },
      metricsUrls: localMetrics(ports.base, baseUrl),
      own: {
        ...{ walDir: join(place, 'wal'), port: ports.base },
        cpuMs: () => cpuMsOf(Object.values(constellation.pids())),
        complaints: () => programs.flatMap(({ name }) => complaintsOf(name, constellation.logs(name))),
      },
      async close() {
        await constellation.stop()
        await clean()
      },
    }
  } catch (error) {
    await clean()
    throw error
  }
}

function complaintsOf(name: ProgramName, lines: readonly string[]): readonly string[] {
  const complaints = lines.filter((line) => !line.includes('"level":"info"'))
  return complaints.slice(-COMPLAINTS_SHOWN).map((line) => `${name}: ${line}`)
}

function localMetrics(port: number, baseUrl: string): ReadonlyMap<ProgramName, string> {
  return new Map(
    serviceNames.map((name) => [
      name,
      name === 'gateway' ? `${baseUrl}/metrics` : `http://${localOpsAddress(name, port)}/metrics`,
    ]),
  )
}
