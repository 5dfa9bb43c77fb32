import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { until } from '@fractal-lba/agent/testing'

const program = fileURLToPath(new URL('../../bin/pcs.js', import.meta.url))

export interface AgentProcessOptions {
  readonly watch: string
  readonly outbox: string
  readonly endpoint: string
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** A program and its arguments that run it, such as strace. */
  readonly under?: readonly string[]
}

/** The built `pcs agent run` as a process of its own, with nothing in its environment but what is given. */
export class AgentProcess {
  readonly #child: ChildProcess
  readonly #ended: Promise<number | null>
  #out = ''
  #err = ''

  readonly opsUrl: string

  private constructor(child: ChildProcess, opsUrl: string) {
    this.opsUrl = opsUrl
    this.#child = child
    this.#ended = once(child, 'close').then(() => child.exitCode)
    child.stdout?.on('data', (chunk: Buffer) => {
      this.#out += chunk.toString()
    })
    child.stderr?.on('data', (chunk: Buffer) => {
      this.#err += chunk.toString()
    })
  }

  static async start(options: AgentProcessOptions): Promise<AgentProcess> {
    const port = await freePort()
    const { watch, outbox, endpoint, args = [], env = {}, under = [] } = options
    const fixed = ['--settle-ms', '0', '--poll-ms', '20']
    const order = ['agent', 'run', '--watch', watch, '--outbox', outbox, '--endpoint', endpoint]
    const [command = process.execPath, ...rest] = [...under, process.execPath, program, ...order, ...fixed]
    const child = spawn(command, [...rest, ...args], {
      env: {
        PATH: process.env.PATH ?? '',
        PCS_SIGN_ALG: 'hmac',
        PCS_HMAC_KEY: 'testsecret',
        METRICS_ADDR: `127.0.0.1:${port}`,
        RETRY_BASE: '20ms',
        RETRY_CAP: '200ms',
        ...env,
      },
    })
    return new AgentProcess(child, `http://127.0.0.1:${port}`)
  }

  /** What it has written so far. */
  get out(): string {
    return this.#out
  }

  get err(): string {
    return this.#err
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Sends a signal; gives the exit code when it has ended, null when the signal ended it. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    this.#child.kill(signal)
    return this.#ended
  }

  /** Resolves when it has logged that it started. @throws Error with what it wrote when it ends instead */
  async whenAtWork(): Promise<void> {
    await until('the agent has started', () => this.#out.includes('"started"') || !this.isRunning)
    if (!this.isRunning) throw new Error(`the agent ended: ${this.#err}${this.#out}`)
  }

  whenEnded(): Promise<number | null> {
    return this.#ended
  }

  /** The body and status of one of its own pages; undefined while it does not listen. */
  async page(path: string): Promise<{ status: number; text: string } | undefined> {
    try {
      const response = await fetch(`${this.opsUrl}${path}`)
      return { status: response.status, text: await response.text() }
    } catch {
      return undefined // not yet, or no longer
    }
  }

  /** A number of /metrics by the beginning of its line. */
  async metric(name: string): Promise<number | undefined> {
    const text = (await this.page('/metrics'))?.text ?? ''
    const line = text.split('\n').find((candidate) => candidate.startsWith(`${name} `))
    return line === undefined ? undefined : Number(line.slice(name.length + 1))
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}
