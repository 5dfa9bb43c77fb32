import {
  builtPrograms,
  environmentOf,
  freePortBlock,
  type PortBlock,
  SupervisedProcess,
  type TestSite,
} from '@fractal-lba/local'
import { localOpsAddress } from '@fractal-lba/runtime'

const STOP_GRACE_MS = 5_000

/** A verifier beside the one of the constellation, that nobody asks anything but its metrics. */
export class SecondVerifier {
  readonly #block: PortBlock
  readonly #process: SupervisedProcess

  private constructor(block: PortBlock, process: SupervisedProcess) {
    this.#block = block
    this.#process = process
  }

  static async start(site: TestSite, root: string): Promise<SecondVerifier> {
    const program = builtPrograms(root).find(({ name }) => name === 'verifier')
    if (!program) throw new Error('there is no verifier')
    const block = await freePortBlock()
    const process = new SupervisedProcess({
      ...program,
      cwd: root,
      env: environmentOf('verifier', { port: block.base, dataDir: site.dataDir }, site.layers()),
      restart: false,
      stopGraceMs: STOP_GRACE_MS,
      onLine: () => undefined,
      onStarted: () => undefined,
      onDeath: () => undefined,
    })
    process.start()
    return new SecondVerifier(block, process)
  }

  /** host:port of its metrics. */
  get opsAddress(): string {
    return localOpsAddress('verifier', this.#block.base)
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
