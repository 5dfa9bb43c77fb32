import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { recordMaker, submitRequest } from '@fractal-lba/load'
import { freePortBlock } from '@fractal-lba/local'
import { hmacKey } from '@fractal-lba/pcs'
import { BenchFailure, MACHINE_VARIABLES } from '../round.js'
import type { BuildPlace, RunningBuild } from './running-build.js'

/** Another program that takes records over HTTP: what a file for `--beside` says. */
export interface Endpoint {
  readonly name: string
  /** Its program and arguments. */
  readonly command: readonly string[]
  /** In it, as in the arguments, {port}, {dataDir} and {key} stand for what this run gives it. */
  readonly env: Readonly<Record<string, string>>
  /** Working directory, from the file's; the file's by default. */
  readonly cwd: string
  /** Where records are posted. */
  readonly path: string
  /** What answers with a status below 500 once it is up. */
  readonly ready: string
  /**
   * A module, from the file's directory, whose default export makes the body from a record and the key; without it the body is
   * the one that the product gets.
   */
  readonly body: string | undefined
}

type MakeBody = (record: Readonly<Record<string, unknown>>, secret: string) => string

const READY_LIMIT_MS = 30_000
const READY_POLL_MS = 100
const STOP_GRACE_MS = 10_000
const SHOWN_OUTPUT = 2_000
const LOOPBACK = '127.0.0.1'

/** @throws BenchFailure where the file says no endpoint */
export async function readEndpoint(file: string): Promise<Endpoint> {
  const mistake = (why: string): BenchFailure => new BenchFailure(`${file}: ${why}`)
  let found: Partial<Record<keyof Endpoint, unknown>>
  try {
    found = JSON.parse(await readFile(file, 'utf8')) as typeof found
  } catch (error) {
    throw mistake(error instanceof Error ? error.message : String(error))
  }
  const text = (name: keyof Endpoint, fallback: string): string => {
    const value = found[name] ?? fallback
    if (typeof value !== 'string') throw mistake(`"${name}" is no string`)
    return value
  }
  const { command, env = {} } = found
  if (!Array.isArray(command) || command.length === 0 || !command.every((word) => typeof word === 'string'))
    throw mistake('"command" is no list of a program and its arguments')
  if (
    typeof env !== 'object' ||
    env === null ||
    !Object.values(env).every((value) => typeof value === 'string')
  )
    throw mistake('"env" has a value that is no string')
  const place = dirname(resolve(file))
  return {
    name: text('name', 'other'),
    command,
    env: env as Record<string, string>,
    cwd: resolve(place, text('cwd', '.')),
    ...{ path: text('path', '/v1/pcs/submit'), ready: text('ready', '/health') },
    body: found.body === undefined ? undefined : resolve(place, text('body', '')),
  }
}

/** Starts it on empty data; nothing of it is left when that fails. CPU is that of its own process. */
export async function startEndpoint(endpoint: Endpoint, place: BuildPlace): Promise<RunningBuild> {
  const ports = await freePortBlock()
  const dataDir = await mkdtemp(join(place.dataDir, `bench-${endpoint.name}-`))
  let program: EndpointProcess | undefined
  const stop = async (): Promise<void> => {
    await program?.stop()
    await rm(dataDir, { recursive: true, force: true })
    await ports.release()
  }
  try {
    const secret = randomBytes(24).toString('base64')
    const makeBody = await bodyMaker(endpoint)
    const given = { port: `${ports.base}`, dataDir, key: secret }
    program = new EndpointProcess(endpoint, given)
    await program.untilReady(ports.base, endpoint.ready, place.signal)
    const make = recordMaker({ seed: place.seed, key: hmacKey(secret) })
    const requests: Buffer[] = []
    return {
      name: endpoint.name,
      pids: [program.pid],
      target: { host: LOOPBACK, port: ports.base, connections: place.connections },
      next: () => requests.pop(),
      stock(count) {
        while (requests.length < count)
          requests.push(submitRequest(makeBody(make().body, secret), endpoint.path))
      },
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

async function bodyMaker({ body }: Endpoint): Promise<(text: string, secret: string) => string> {
  if (body === undefined) return (text) => text
  const { default: make } = (await import(pathToFileURL(body).href)) as { default?: MakeBody }
  if (typeof make !== 'function') throw new BenchFailure(`${body} has no function as its default export`)
  return (text, secret) => make(JSON.parse(text) as Record<string, unknown>, secret)
}

class EndpointProcess {
  readonly #child: ChildProcess
  readonly #ended: Promise<void>
  #hasEnded = false
  #output = ''

  constructor({ name, command, env, cwd }: Endpoint, given: Readonly<Record<string, string>>) {
    const filled = (text: string): string =>
      text.replace(/\{(port|dataDir|key)\}/g, (_, which: string) => given[which] ?? '')
    const [program = '', ...args] = command.map(filled)
    const inherited = MACHINE_VARIABLES.map((variable) => [variable, process.env[variable]] as const)
    const own = Object.entries(env).map(([variable, value]) => [variable, filled(value)] as const)
    this.#child = spawn(program, args, {
      cwd,
      env: Object.fromEntries([...inherited, ...own]),
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (part: string) => {
        this.#output = (this.#output + part).slice(-SHOWN_OUTPUT)
      })
    }
    this.#ended = new Promise((resolve) => {
      const end = (why: string): void => {
        this.#hasEnded = true
        this.#output += `\n${name}: ${why}`
        resolve()
      }
      this.#child.once('error', (error) => end(error.message))
      this.#child.once('exit', (code, signal) => end(`it has ended (${code ?? signal})`))
    })
  }

  get pid(): number {
    const { pid } = this.#child
    if (pid === undefined) throw new BenchFailure(this.#output.trim())
    return pid
  }

  async untilReady(port: number, path: string, signal: AbortSignal): Promise<void> {
    const deadlineMs = performance.now() + READY_LIMIT_MS
    while (!(await answers(port, path))) {
      signal.throwIfAborted()
      if (this.#hasEnded) throw new BenchFailure(`it did not start:\n${this.#output.trim()}`)
      if (performance.now() > deadlineMs)
        throw new BenchFailure(`${path} did not answer within ${READY_LIMIT_MS} ms:\n${this.#output.trim()}`)
      await sleep(READY_POLL_MS)
    }
  }

  async stop(): Promise<void> {
    if (this.#hasEnded) return
    this.#child.kill('SIGTERM')
    const limit = setTimeout(() => this.#child.kill('SIGKILL'), STOP_GRACE_MS)
    await this.#ended
    clearTimeout(limit)
  }
}

async function answers(port: number, path: string): Promise<boolean> {
  try {
    const { status } = await fetch(`http://${LOOPBACK}:${port}${path}`, {
      signal: AbortSignal.timeout(1_000),
    })
    return status < 500
  } catch {
    return false
  }
}
