import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Constellation, type ConstellationOptions, startConstellation } from './constellation.js'
import { type EnvironmentLayers, testEnvironment } from './environment.js'
import { freePortBlock, type PortBlock } from './ports.js'

/** What a test may choose; ports, directories and the inherited environment are the site's. */
export type TestStart = Partial<Omit<ConstellationOptions, 'port' | 'dataDir' | 'inherit' | 'logFile'>>

/** A place for tests and measurements: ports and a data directory of its own. */
export interface TestSite {
  readonly port: number
  readonly dataDir: string
  /** Of PCS_HMAC_KEY, unless a start says otherwise. */
  readonly hmacKey: string
  /** What the processes here are told, over which a start may lay its own. */
  layers(options?: Pick<TestStart, 'env' | 'envOf'>): EnvironmentLayers
  /** Starts a constellation here; after a crash or a stop again, on the same data. */
  start(options?: TestStart): Promise<Constellation>
  /** Stops what was started here and removes the data. */
  dispose(): Promise<void>
}

const TEST_KEY = 'a key of the tests, known to everybody'
const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

/**
 * Makes a site. The processes of its constellations write their lines to a file below TEST_LOG_DIR where that is
 * set, so that a failure elsewhere can be looked into.
 * @param label names the log file: the test's name.
 */
export async function testSite(label: string): Promise<TestSite> {
  const block = await freePortBlock()
  const dataDir = await mkdtemp(join(tmpdir(), 'fractal-lba-test-'))
  return new Site(label, block, dataDir)
}

class Site implements TestSite {
  readonly hmacKey = TEST_KEY
  readonly #label: string
  readonly #block: PortBlock
  readonly #started: Constellation[] = []

  constructor(
    label: string,
    block: PortBlock,
    readonly dataDir: string,
  ) {
    this.#label = label
    this.#block = block
  }

  get port(): number {
    return this.#block.base
  }

  layers({ env, envOf }: Pick<TestStart, 'env' | 'envOf'> = {}): EnvironmentLayers {
    return {
      inherit: testEnvironment(),
      env: { PCS_SIGN_ALG: 'hmac', PCS_HMAC_KEY: TEST_KEY, TOKEN_RATE: '0', ...env },
      ...(envOf ? { envOf } : {}),
    }
  }

  async start(options: TestStart = {}): Promise<Constellation> {
    const { TEST_LOG_DIR: logDir } = process.env
    const constellation = await startConstellation({
      cwd: ROOT,
      supervise: true,
      ...options,
      port: this.port,
      dataDir: this.dataDir,
      ...this.layers(options),
      ...(logDir ? { logFile: join(logDir, `${this.#label}-${this.port}.log`) } : {}),
    })
    this.#started.push(constellation)
    return constellation
  }

  async dispose(): Promise<void> {
    await Promise.all(this.#started.map((constellation) => constellation.stop()))
    await this.#block.release()
    await rm(this.dataDir, { recursive: true, force: true })
  }
}
