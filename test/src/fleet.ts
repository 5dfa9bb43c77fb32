import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  builtPrograms,
  type Environment,
  environmentOf,
  readyStatus,
  SupervisedProcess,
  type TestSite,
  testSite,
} from '@fractal-lba/local'
import { grpcPort, opsPort, type ServiceName, topology } from '@fractal-lba/runtime'
import { repositoryRoot } from './branch.js'
import { Client } from './client.js'
import { metricsOf } from './metrics.js'
import { until } from './until.js'

/** The services that stand behind a name here; each log is one process at an address. */
export const namedServices = ['verifier', 'signal-scoring', 'dedup'] as const
export type NamedService = (typeof namedServices)[number]

/** How often a gateway of a fleet asks what its names stand for. */
export const RESOLVE_EVERY_MS = 200

const READY_LIMIT_MS = 60_000
const STOP_GRACE_MS = 20_000
const LAST_LINES = 20
const RESOLVER = fileURLToPath(new URL('../fixtures/resolver.mjs', import.meta.url))

/** For a process that resolves names by this file: a JSON object of addresses by name. */
export function testNames(file: string): Environment {
  return { NODE_OPTIONS: `--import=${RESOLVER}`, TEST_NAMES_FILE: file }
}

/**
 * Processes of one constellation, each service as often as a test wants: member N listens on 127.0.0.N, at the ports
 * of its service. The gateways know verifier, scoring and dedup by names, whose addresses the test chooses.
 */
export class Fleet {
  readonly #namesFile: string
  readonly #names: Record<string, readonly string[]> = {}
  readonly #processes = new Map<string, SupervisedProcess>()
  readonly #clients = new Map<string, Client>()
  /** How processes ended that nobody had stopped. */
  readonly deaths: string[] = []
  /** What a process is told that is started from now on. */
  env: Environment
  /** The members of wal that gateways and dedups are told of, and those that a fill may go without. */
  logs: readonly number[] = [1]
  waivedLogs: readonly number[] = []

  private constructor(
    readonly site: TestSite,
    env: Environment,
  ) {
    this.env = env
    this.#namesFile = join(site.dataDir, 'names.json')
    for (const service of namedServices) this.resolveTo(service, [1])
  }

  static async prepare(label: string, env: Environment): Promise<Fleet> {
    return new Fleet(await testSite(label), env)
  }

  /** What the name of a service stands for from now on. */
  resolveTo(service: NamedService, members: readonly number[]): void {
    this.#names[nameOf(service)] = members.map(ipOf)
    const next = `${this.#namesFile}.next`
    writeFileSync(next, JSON.stringify(this.#names))
    renameSync(next, this.#namesFile)
  }

  /** Starts members of a service and waits until they are ready. */
  async up(service: ServiceName, ...members: readonly number[]): Promise<void> {
    await Promise.all(
      members.map(async (member) => {
        const key = `${service} ${member}`
        const process = this.#process(service, member)
        this.#processes.set(key, process)
        process.start()
        const url = this.#opsUrl(service, member)
        await until(`${key} is ready`, READY_LIMIT_MS, async () => {
          if (this.deaths.length > 0) throw new Error(this.deaths.join('\n'))
          return process.isStarted && (await readyStatus(url)) === 'ready'
        })
      }),
    )
  }

  /** Stops a member by SIGTERM, which lets it finish what it has begun. */
  async stop(service: ServiceName, member: number): Promise<void> {
    await this.#end(service, member, STOP_GRACE_MS)
  }

  /** Ends a member by SIGKILL. */
  async kill(service: ServiceName, member: number): Promise<void> {
    await this.#end(service, member, 0)
  }

  /** host:port of a member's gRPC. */
  addressOf(service: ServiceName, member: number): string {
    return `${ipOf(member)}:${grpcPort(service, this.site.port)}`
  }

  /** To a member's HTTP: of a gateway all of it, of another service /metrics. Closed with the fleet. */
  client(service: ServiceName, member: number): Client {
    const url = this.#opsUrl(service, member)
    const client = this.#clients.get(url) ?? new Client(url)
    this.#clients.set(url, client)
    return client
  }

  /** Batches and calls that each member has served since it was started. */
  served(service: NamedService, members: readonly number[]): Promise<readonly number[]> {
    const { protoService } = topology[service]
    return Promise.all(
      members.map(async (member) => {
        const metrics = await metricsOf(this.client(service, member))
        return metrics.value('rpc_server_duration_seconds_count', { rpc_service: protoService })
      }),
    )
  }

  /** Stops all, the gateways first, and removes the data. */
  async dispose(): Promise<void> {
    for (const client of this.#clients.values()) client.close()
    for (const group of ['gateway', 'dedup', '']) {
      const processes = [...this.#processes].filter(([key]) => key.startsWith(group))
      for (const [key] of processes) this.#processes.delete(key)
      await Promise.all(processes.map(([, process]) => process.stop()))
    }
    await this.site.dispose()
  }

  async #end(service: ServiceName, member: number, graceMs: number): Promise<void> {
    const key = `${service} ${member}`
    await this.#processes.get(key)?.stop(graceMs)
    this.#processes.delete(key)
  }

  #process(service: ServiceName, member: number): SupervisedProcess {
    const { port, dataDir } = this.site
    const program = builtPrograms(repositoryRoot).find(({ name }) => name === service)
    if (!program) throw new Error(`there is no program ${service}`)
    const layers = this.site.layers({
      env: this.env,
      envOf: { [service]: this.#environment(service, member) },
    })
    const lines: string[] = []
    return new SupervisedProcess({
      ...{ name: service, main: program.main, cwd: repositoryRoot },
      env: environmentOf(service, { port, dataDir }, layers),
      restart: false,
      stopGraceMs: STOP_GRACE_MS,
      onLine: ({ text }) => {
        lines.push(text)
        if (lines.length > LAST_LINES) lines.shift()
      },
      onStarted: () => undefined,
      onDeath: ({ cause }) => this.deaths.push(`${service} ${member} ${cause}\n${lines.join('\n')}`),
    })
  }

  #environment(service: ServiceName, member: number): Environment {
    const { port, dataDir } = this.site
    const addressesOf = (logs: readonly number[]) => logs.map((log) => this.addressOf('wal', log)).join(',')
    const logs = { WAL_ADDR: addressesOf(this.logs) }
    if (service !== 'gateway') {
      return {
        GRPC_ADDR: this.addressOf(service, member),
        METRICS_ADDR: `${ipOf(member)}:${opsPort(service, port)}`,
        ...(service === 'wal' && { WAL_DIR: join(dataDir, `wal-${member}`) }),
        ...(service === 'dedup' && { ...logs, DEDUP_WAIVED_LOGS: addressesOf(this.waivedLogs) }),
      }
    }
    const addresses = namedServices.map((name) => [
      topology[name].addressVariable,
      `${nameOf(name)}:${grpcPort(name, port)}`,
    ])
    return {
      HOST: ipOf(member),
      HOP_RESOLVE_EVERY: `${RESOLVE_EVERY_MS}ms`,
      ...logs,
      ...testNames(this.#namesFile),
      ...Object.fromEntries(addresses),
    }
  }

  #opsUrl(service: ServiceName, member: number): string {
    return `http://${ipOf(member)}:${opsPort(service, this.site.port)}`
  }
}

function ipOf(member: number): string {
  return `127.0.0.${member}`
}

function nameOf(service: NamedService): string {
  return `${service}.test`
}
