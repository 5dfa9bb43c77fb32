import {
  builtPrograms,
  type Environment,
  environmentOf,
  freePortBlock,
  type PortBlock,
  type ServiceName,
  SupervisedProcess,
  type TestSite,
} from '@fractal-lba/local'
import { localGrpcAddress, localOpsAddress } from '@fractal-lba/runtime'

const STOP_GRACE_MS = 5_000

/** A process beside the one of the constellation, that no gateway asks. */
export class SecondProcess {
  readonly #service: ServiceName
  readonly #block: PortBlock
  readonly #process: SupervisedProcess

  private constructor(service: ServiceName, block: PortBlock, process: SupervisedProcess) {
    this.#service = service
    this.#block = block
    this.#process = process
  }

  static async start(
    service: ServiceName,
    site: TestSite,
    root: string,
    env: Environment = {},
  ): Promise<SecondProcess> {
    const program = builtPrograms(root).find(({ name }) => name === service)
    if (!program) throw new Error(`there is no ${service}`)
    const block = await freePortBlock()
    const process = new SupervisedProcess({
      ...program,
      cwd: root,
      env: environmentOf(service, { port: block.base, dataDir: site.dataDir }, site.layers({ env })),
      restart: false,
      stopGraceMs: STOP_GRACE_MS,
      onLine: () => undefined,
      onStarted: () => undefined,
      onDeath: () => undefined,
    })
    process.start()
    return new SecondProcess(service, block, process)
  }

  /** host:port of its gRPC. */
  get grpcAddress(): string {
    return localGrpcAddress(this.#service, this.#block.base)
  }

  /** host:port of its metrics. */
  get opsAddress(): string {
    return localOpsAddress(this.#service, this.#block.base)
  }

  pause(): void {
    this.#process.signal('SIGSTOP')
  }

  resume(): void {
    this.#process.signal('SIGCONT')
  }

  async close(): Promise<void> {
    this.resume()
    await this.#process.stop()
    await this.#block.release()
  }
}
