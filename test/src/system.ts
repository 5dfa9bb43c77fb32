import { join } from 'node:path'
import {
  type InProcessConstellation,
  type InProcessOptions,
  startInProcess,
} from '@fractal-lba/constellation'
import {
  type Constellation,
  type Environment,
  type TestSite,
  type TestStart,
  testSite,
} from '@fractal-lba/local'
import { hmacKey } from '@fractal-lba/pcs'
import { localGrpcAddress, localOpsAddress, type ServiceName } from '@fractal-lba/runtime'
import { afterAll, beforeAll, expect } from 'vitest'
import { Client } from './client.js'
import { patience } from './patience.js'
import { RecordMaker, type SigningKey } from './records.js'
import { WalReader } from './wal-reader.js'

const START_LIMIT_MS = 60_000

/** Where a constellation answers, whatever it is made of. */
export interface AnyConstellation {
  readonly baseUrl: string
  readonly grpcAddress: string
}

export interface InProcessSystemOptions {
  readonly env?: Environment
  readonly envOf?: Partial<Readonly<Record<ServiceName, Environment>>>
  readonly signingKey?: SigningKey
  /** What keeps the log; 'memory' where the disk is not the subject. Default 'directory'. */
  readonly log?: InProcessOptions['log']
  /** The services call each other by gRPC, as between processes. */
  readonly bySockets?: boolean
  /** The clock of each service; the system's where it says nothing. */
  readonly clockOf?: InProcessOptions['clockOf']
  readonly onFatal: (error: Error) => void
}

export interface SystemOptions extends TestStart {
  /** What the records are signed with; the constellation's HMAC key unless told otherwise. */
  readonly signingKey?: SigningKey
}

/** A line that a service has written. */
export interface SystemLine {
  readonly service: string
  readonly text: string
}

/** The constellation of one test file, with all that its tests ask it with. */
export class System<Started extends AnyConstellation = Constellation> {
  readonly client: Client
  readonly records: RecordMaker
  readonly wal: WalReader

  private constructor(
    readonly site: TestSite,
    readonly constellation: Started,
    readonly lines: readonly SystemLine[],
    signingKey: SigningKey,
    label: string,
  ) {
    this.client = new Client(constellation.baseUrl)
    this.records = new RecordMaker(signingKey, label)
    this.wal = new WalReader(addressOf(site, 'wal'))
  }

  /** As processes of their own. */
  static async start(
    site: TestSite,
    label: string,
    { signingKey = hmacKey(site.hmacKey), ...options }: SystemOptions = {},
  ): Promise<System> {
    const lines: SystemLine[] = []
    const constellation = await site.start({ ...options, onLine: (line) => lines.push(line) })
    return new System(site, constellation, lines, signingKey, label)
  }

  /** In the test's own process: for tests that are not about processes. */
  static async startInProcess(
    site: TestSite,
    label: string,
    {
      signingKey = hmacKey(site.hmacKey),
      env,
      envOf,
      log,
      bySockets = false,
      clockOf,
      onFatal,
    }: InProcessSystemOptions,
  ): Promise<System<InProcessConstellation>> {
    const lines: SystemLine[] = []
    const constellation = await startInProcess({
      ...site.layers({ ...(env ? { env } : {}), ...(envOf ? { envOf } : {}) }),
      port: site.port,
      dataDir: site.dataDir,
      ...(log ? { log } : {}),
      bySockets,
      ...(clockOf ? { clockOf } : {}),
      onLine: (service, text) => lines.push({ service, text }),
      onFatal: (_service, error) => onFatal(error),
    })
    return new System(site, constellation, lines, signingKey, label)
  }

  get walDirectory(): string {
    return join(this.site.dataDir, 'wal')
  }

  /** Lets go of the connections; the constellation runs on. */
  close(): void {
    this.client.close()
    this.wal.close()
  }
}

/**
 * One constellation for all tests of a file (or of a describe), taken down afterwards whatever happens. It is patient
 * (see patience.ts) unless its environment says otherwise.
 * @returns a function that gives it, to be called inside of tests.
 */
export function useSystem(label: string, options: SystemOptions = {}): () => System {
  let site: TestSite | undefined
  let system: System | undefined
  beforeAll(async () => {
    site = await testSite(label)
    system = await System.start(site, label, { ...options, env: { ...patience, ...options.env } })
  }, START_LIMIT_MS)
  afterAll(async () => {
    system?.close()
    await site?.dispose()
  }, START_LIMIT_MS)
  return () => {
    if (!system) throw new Error('the constellation is asked for outside of a test')
    return system
  }
}

/**
 * As useSystem, with gateway and services in the test's own process: for tests that are not about processes. A service
 * that cannot go on fails the file.
 */
export function useSystemInProcess(
  label: string,
  { env, ...options }: Omit<InProcessSystemOptions, 'onFatal'> = {},
): () => System<InProcessConstellation> {
  let site: TestSite | undefined
  let system: System<InProcessConstellation> | undefined
  const fatals: Error[] = []
  const onFatal = (error: Error): number => fatals.push(error)
  beforeAll(async () => {
    site = await testSite(label)
    const patient = { ...patience, ...env }
    system = await System.startInProcess(site, label, { ...options, env: patient, onFatal })
  }, START_LIMIT_MS)
  afterAll(async () => {
    system?.close()
    await system?.constellation.stop()
    await site?.dispose()
    expect(fatals).toEqual([])
  }, START_LIMIT_MS)
  return () => {
    if (!system) throw new Error('the constellation is asked for outside of a test')
    return system
  }
}

/** host:port of a process's gRPC. */
export function addressOf({ port }: { readonly port: number }, name: ServiceName): string {
  return localGrpcAddress(name, port)
}

/** Where a process serves /metrics, /health and /ready. */
export function opsUrlOf({ port }: { readonly port: number }, name: ServiceName): string {
  return `http://${localOpsAddress(name, port)}`
}
