import { join } from 'node:path'
import {
  type Constellation,
  type ServiceLine,
  type TestSite,
  type TestStart,
  testSite,
} from '@fractal-lba/local'
import { hmacKey } from '@fractal-lba/pcs'
import { localGrpcAddress, localOpsAddress, type ServiceName } from '@fractal-lba/runtime'
import { afterAll, beforeAll } from 'vitest'
import { Client } from './client.js'
import { patience } from './patience.js'
import { RecordMaker, type SigningKey } from './records.js'
import { WalReader } from './wal-reader.js'

const START_LIMIT_MS = 60_000

export interface SystemOptions extends TestStart {
  /** What the records are signed with; the constellation's HMAC key unless told otherwise. */
  readonly signingKey?: SigningKey
}

/** The five processes of one test file, with all that its tests ask them with. */
export class System {
  readonly client: Client
  readonly records: RecordMaker
  readonly wal: WalReader

  private constructor(
    readonly site: TestSite,
    readonly constellation: Constellation,
    readonly lines: readonly ServiceLine[],
    signingKey: SigningKey,
    label: string,
  ) {
    this.client = new Client(constellation.baseUrl)
    this.records = new RecordMaker(signingKey, label)
    this.wal = new WalReader(addressOf(site, 'wal'))
  }

  static async start(
    site: TestSite,
    label: string,
    { signingKey = hmacKey(site.hmacKey), ...options }: SystemOptions = {},
  ): Promise<System> {
    const lines: ServiceLine[] = []
    const constellation = await site.start({ ...options, onLine: (line) => lines.push(line) })
    return new System(site, constellation, lines, signingKey, label)
  }

  get walDirectory(): string {
    return join(this.site.dataDir, 'wal')
  }

  /** Lets go of the connections; the processes run on. */
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

/** host:port of a process's gRPC. */
export function addressOf({ port }: { readonly port: number }, name: ServiceName): string {
  return localGrpcAddress(name, port)
}

/** Where a process serves /metrics, /health and /ready. */
export function opsUrlOf({ port }: { readonly port: number }, name: ServiceName): string {
  return `http://${localOpsAddress(name, port)}`
}
