import { randomUUID } from 'node:crypto'
import { findPodman, freePort, type ImageTarget, imageName, type Podman } from '@fractal-lba/test-servers'

/** What npm run test:images has built. */
export const IMAGES_TAG = 'test'
/** As a platform team runs them: nothing may be written but what is mounted, and no right is left. */
export const HARDENED = [
  '--read-only',
  '--read-only-tmpfs=false',
  '--cap-drop=ALL',
  '--security-opt=no-new-privileges',
]

const COMMAND_LIMIT_MS = 180_000
const NODE = '/nodejs/bin/node'

type Service = Exclude<ImageTarget, 'tools'>

/** In the order in which they are started. */
export const containerServices: readonly Service[] = ['wal', 'verifier', 'dedup', 'signal-scoring', 'gateway']

export function imageOf(target: ImageTarget): string {
  return `localhost/${imageName(target)}:${IMAGES_TAG}`
}

/** What a command in a container ended with. */
export interface Ended {
  readonly code: number
  readonly text: string
}

/** Gateway and services, each in a container of its own, in a network in which they have their names. */
export class ContainerSystem {
  readonly #network = `flk-${randomUUID().slice(0, 8)}`

  private constructor(
    readonly podman: Podman,
    readonly baseUrl: string,
    private readonly key: Readonly<Record<string, string>>,
  ) {}

  static async start(podman: Podman, key: Readonly<Record<string, string>>): Promise<ContainerSystem> {
    const port = await freePort()
    const system = new ContainerSystem(podman, `http://127.0.0.1:${port}`, key)
    try {
      await podman(['network', 'create', system.#network])
      for (const name of containerServices) await system.#create(name, port)
    } catch (error) {
      await system.close()
      throw error
    }
    return system
  }

  async #create(name: Service, port: number): Promise<void> {
    const env = {
      INSECURE_LISTEN: 'true',
      WAL_ADDR: 'wal:8082',
      VERIFIER_ADDR: 'verifier:8083',
      DEDUP_ADDR: 'dedup:8084',
      SCORING_ADDR: 'signal-scoring:8085',
      ...this.key,
    }
    const place = [`--network=${this.#network}`, `--network-alias=${name}`, `--name=${this.container(name)}`]
    const data = name === 'wal' || name === 'dedup' ? [`--volume=${this.container(name)}:/data`] : []
    const published = name === 'gateway' ? [`--publish=127.0.0.1:${port}:8080`] : []
    const variables = Object.entries(env).map(([variable, value]) => `--env=${variable}=${value}`)
    await this.podman(
      ['run', '--detach', ...HARDENED, ...place, ...data, ...published, ...variables, imageOf(name)],
      { timeoutMs: COMMAND_LIMIT_MS },
    )
  }

  /** The name of a service's container. */
  container(name: Service): string {
    return `${this.#network}-${name}`
  }

  /** Runs `pcs` in a container of the tools image, in the network of the services. */
  pcs(...args: readonly string[]): Promise<Ended> {
    const variables = Object.entries({ ENDPOINT: 'http://gateway:8080', ...this.key }).map(
      ([variable, value]) => `--env=${variable}=${value}`,
    )
    const run = ['run', '--rm', ...HARDENED, `--network=${this.#network}`, ...variables]
    return ended(this.podman, [...run, imageOf('tools'), ...args])
  }

  /** What the health check of a container says. */
  healthy(name: Service, what: 'health' | 'ready' = 'health'): Promise<Ended> {
    return ended(this.podman, ['exec', this.container(name), NODE, '/app/images/healthy.mjs', what])
  }

  /** Runs a script by the Node of a container that runs. */
  node(name: Service, script: string): Promise<Ended> {
    return ended(this.podman, ['exec', this.container(name), NODE, '--eval', script])
  }

  async close(): Promise<void> {
    const names = containerServices.map((name) => this.container(name))
    await this.podman(['rm', '--force', '--ignore', '--time=0', ...names], { timeoutMs: COMMAND_LIMIT_MS })
    await this.podman(['volume', 'rm', '--force', this.container('wal'), this.container('dedup')])
    await this.podman(['network', 'rm', '--force', this.#network])
  }
}

/** Runs a command of podman that may fail. @returns what it wrote, stderr where it failed */
export async function ended(podman: Podman, args: readonly string[]): Promise<Ended> {
  try {
    return { code: 0, text: await podman(args, { timeoutMs: COMMAND_LIMIT_MS }) }
  } catch (error) {
    if (!(error instanceof Error)) throw error
    const { cause } = error
    const code = cause instanceof Error && 'code' in cause ? Number(cause.code) : Number.NaN
    if (Number.isNaN(code)) throw error
    return { code, text: error.message }
  }
}

/** Podman with all images built; or why these tests cannot run. */
export async function builtImages(): Promise<Podman | { readonly missing: string }> {
  const podman = await findPodman()
  if ('missing' in podman) return podman
  const found = await podman(['images', '--format={{.Repository}}:{{.Tag}}'])
  const absent = (['gateway', 'tools'] as const).map(imageOf).filter((image) => !found.includes(image))
  return absent.length === 0 ? podman : { missing: `${absent.join(', ')}: npm run test:images builds them` }
}
