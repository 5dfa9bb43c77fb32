import { type Environment, freePortBlock } from '@fractal-lba/local'
import { onTestFinished } from 'vitest'
import { type LoneProcess, startAlone, untilServing } from '../../src/branch.js'
import { addressOf, opsUrlOf } from '../../src/system.js'

const GONE_LIMIT_MS = 20_000

/** What suits a log of short lives: small segments, any disk, nothing held back for gateways that were there. */
export const smallWal: Environment = { WAL_SEGMENT_BYTES: '1Mi', WAL_DISK_LOW: '0', SUBMIT_TIMEOUT: '1ms' }

/** The wal's process by itself, on one directory through all its lives. It ends with the test. */
export class LoneWal {
  readonly #port: number
  #life: LoneProcess | undefined

  private constructor(
    readonly directory: string,
    readonly env: Environment,
    port: number,
  ) {
    this.#port = port
  }

  /** @param env over that of a small wal. */
  static async at(directory: string, env: Environment = {}): Promise<LoneWal> {
    const block = await freePortBlock()
    onTestFinished(() => block.release())
    return new LoneWal(directory, { ...smallWal, ...env }, block.base)
  }

  /** host:port of its gRPC */
  get address(): string {
    return addressOf({ port: this.#port }, 'wal')
  }

  get opsUrl(): string {
    return opsUrlOf({ port: this.#port }, 'wal')
  }

  /** @throws Error when there is no process. */
  get pid(): number {
    const pid = this.#life?.process.pid
    if (pid === undefined) throw new Error('the wal does not run')
    return pid
  }

  /** Every line that the present life wrote. */
  get said(): readonly string[] {
    return this.#life?.said ?? []
  }

  /** How the present life ended; undefined while it goes on. */
  get death(): string | undefined {
    return this.#life?.death()
  }

  /** Starts a life without waiting for anything. @param env over the usual one, for this life. */
  begin(env: Environment = {}): LoneProcess {
    this.#life = startAlone('wal', {
      ...this.env,
      GRPC_ADDR: this.address,
      METRICS_ADDR: new URL(this.opsUrl).host,
      WAL_DIR: this.directory,
      ...env,
    })
    return this.#life
  }

  /** Starts a life; resolves when it serves. */
  async start(env: Environment = {}): Promise<void> {
    await untilServing(this.begin(env))
  }

  /** kill -9; resolves when it is gone. */
  async kill(): Promise<void> {
    this.#life?.process.signal('SIGKILL')
    await this.untilGone()
  }

  /** Ends it in order. */
  async stop(): Promise<void> {
    await this.#life?.process.stop()
  }

  /** Resolves when the life has ended, whatever ended it. @throws Error after a limit. */
  async untilGone(): Promise<void> {
    const late = new Promise<never>((_resolve, reject) => {
      setTimeout(() => reject(new Error('the wal still lives')), GONE_LIMIT_MS).unref()
    })
    await Promise.race([this.#life?.process.untilGone(), late])
  }
}
