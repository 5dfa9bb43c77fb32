import { type EnvironmentLayers, environmentOf, gatewayPlaces, readyStatus } from '@fractal-lba/local'
import {
  ConfigError,
  Env,
  grpcTransport,
  inProcessTransport,
  type Registry,
  type ServiceName,
  serviceNames,
  stopOrder,
} from '@fractal-lba/runtime'
import { Member, type MemberEvents } from './member.js'
import { type LogKind, readersOfStarters, type Starter } from './starters.js'

/** Where the constellation is, and what its services are told. */
export interface InProcessPlace extends EnvironmentLayers {
  /** The gateway's HTTP port; all others follow from it. */
  readonly port: number
  /** Everything that is kept lies below it. */
  readonly dataDir: string
  /** Default 'directory'. */
  readonly log?: LogKind
  /** Calls between the services go by gRPC, and TLS where there is some, as between processes. Default false. */
  readonly bySockets?: boolean
}

export interface InProcessOptions extends InProcessPlace, MemberEvents {
  /** Until all must be ready. Default 60,000. */
  readonly readyTimeoutMs?: number
}

const READY_TIMEOUT_MS = 60_000
const POLL_MS = 20

/** The services of a constellation, each with its configuration read. */
export type Starters = ReadonlyMap<ServiceName, Starter>

/** Reads what each service is told; nothing is started yet. @throws ConfigError with the mistakes of all */
export function readStarters(place: InProcessPlace): Starters {
  const mistakes = new Set<string>()
  const readers = readersOfStarters(place.log ?? 'directory')
  const read = (name: ServiceName): Starter => {
    const env = new Env(environmentOf(name, place, place))
    const starter = readers[name](env)
    for (const mistake of env.mistakes) mistakes.add(mistake)
    return starter
  }
  const starters = new Map(serviceNames.map((name) => [name, read(name)]))
  if (mistakes.size > 0) throw new ConfigError([...mistakes])
  return starters
}

/**
 * Starts gateway and services in this process, each with its own configuration, log, registry and ports, and waits
 * until all of it is ready.
 * @throws ConfigError when the environment is wrong; Error when one cannot start or it takes too long. Nothing is
 * left running then.
 */
export async function startInProcess(options: InProcessOptions): Promise<InProcessConstellation> {
  const constellation = new InProcessConstellation(options, readStarters(options), options)
  try {
    await constellation.startAll()
    await constellation.untilReady(options.readyTimeoutMs)
  } catch (error) {
    await constellation.stop()
    throw error
  }
  return constellation
}

/** Gateway and services, running in this process. */
export class InProcessConstellation {
  readonly port: number
  readonly dataDir: string
  /** Of the gateway's HTTP, without a slash at the end. */
  readonly baseUrl: string
  /** host:port of the gateway's gRPC. */
  readonly grpcAddress: string
  /** Where /ready is in plain HTTP. */
  readonly #probeUrl: string
  readonly #members: ReadonlyMap<ServiceName, Member>
  #stopped: Promise<void> | undefined

  constructor(place: InProcessPlace, starters: Starters, events: MemberEvents) {
    const { port, dataDir } = place
    this.port = port
    this.dataDir = dataDir
    const { baseUrl, grpcAddress, probeUrl } = gatewayPlaces(port, environmentOf('gateway', place, place))
    this.baseUrl = baseUrl
    this.grpcAddress = grpcAddress
    this.#probeUrl = probeUrl
    const transport = place.bySockets ? grpcTransport : inProcessTransport()
    this.#members = new Map(
      [...starters].map(([name, starter]) => [name, new Member(name, starter, transport, events)]),
    )
  }

  async startAll(): Promise<void> {
    for (const member of this.#members.values()) await member.start()
  }

  /** Starts a service that was stopped, on the same data. */
  async start(name: ServiceName): Promise<void> {
    await this.#members.get(name)?.start()
  }

  /** Stops one service; the others go on without it. */
  async stopOne(name: ServiceName): Promise<void> {
    await this.#members.get(name)?.stop()
  }

  async restart(name: ServiceName): Promise<void> {
    await this.stopOne(name)
    await this.start(name)
  }

  /** Switches what all services log, as SIGUSR2 does in processes of their own. */
  switchLogLevel(): void {
    for (const member of this.#members.values()) member.switchLogLevel()
  }

  /** The metrics of a service; undefined when it does not run. */
  registryOf(name: ServiceName): Registry | undefined {
    return this.#members.get(name)?.registry
  }

  /** Resolves when `/ready` says `ready`. @throws Error when it does not in time. */
  async untilReady(timeoutMs = READY_TIMEOUT_MS): Promise<void> {
    const deadlineMs = performance.now() + timeoutMs
    while ((await readyStatus(this.#probeUrl)) !== 'ready') {
      if (performance.now() > deadlineMs) throw new Error(`it was not ready after ${timeoutMs} ms`)
      await new Promise((resolve) => setTimeout(resolve, POLL_MS))
    }
  }

  /** Stops the gateway first, then the services, the wal last. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stopInOrder()
    return this.#stopped
  }

  async #stopInOrder(): Promise<void> {
    for (const names of stopOrder()) await Promise.all(names.map((name) => this.stopOne(name)))
  }
}
