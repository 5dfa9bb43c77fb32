import { createWriteStream, mkdirSync, type WriteStream } from 'node:fs'
import { dirname } from 'node:path'
import { messageOf, stopOrder } from '@fractal-lba/runtime'
import type { BackoffPolicy } from './backoff.js'
import { type EnvironmentLayers, environmentOf } from './environment.js'
import { gatewayPlaces } from './gateway-places.js'
import { builtPrograms, type Program, type ProgramName } from './layout.js'
import { untilReady } from './ready-probe.js'
import { type Death, type ProcessLine, SupervisedProcess } from './supervised-process.js'
import { durationText, pause } from './time.js'

export interface ConstellationOptions extends EnvironmentLayers {
  /** The gateway's HTTP port; all others follow from it. */
  readonly port: number
  /** Everything that is kept lies below it. */
  readonly dataDir: string
  /** Whether a process that dies is started again. */
  readonly supervise: boolean
  /** The root of the checkout: where the programs are, and the working directory of the processes. */
  readonly cwd: string
  /** Other programs than the built ones. */
  readonly programs?: readonly Program[]
  readonly backoff?: BackoffPolicy
  /** Until all must be ready. Default 60,000. */
  readonly readyTimeoutMs?: number
  /** From SIGTERM to SIGKILL, for each process. Default 10,000. */
  readonly stopGraceMs?: number
  /** Every line that a process writes. */
  readonly onLine?: (line: ServiceLine) => void
  /** What happens to the processes, as sentences for a person. */
  readonly onEvent?: (sentence: string) => void
  /** A file that every line is appended to, each after the name of its process. */
  readonly logFile?: string
  /** Gives up the start: everything is stopped, and the start fails. */
  readonly signal?: AbortSignal
}

export interface ServiceLine extends ProcessLine {
  readonly service: ProgramName
}

/** Why a constellation did not start; the message is made of sentences for the person who started it. */
export class ConstellationError extends Error {
  override readonly name = 'ConstellationError'
}

/** A running constellation. */
export interface Constellation {
  /** Of the gateway's HTTP, without a slash at the end. */
  readonly baseUrl: string
  /** host:port of the gateway's gRPC. */
  readonly grpcAddress: string
  readonly port: number
  readonly dataDir: string
  /** The processes that live now. */
  pids(): Partial<Readonly<Record<ProgramName, number>>>
  /** How often a process was started again by the supervisor. */
  restarts(name: ProgramName): number
  /** The last lines of a process, oldest first; at most 1,000. */
  logs(name: ProgramName): readonly string[]
  /** Sends a signal (SIGKILL unless told otherwise); after SIGKILL it resolves when the process is gone. */
  kill(name: ProgramName, signal?: NodeJS.Signals): Promise<void>
  /** Starts a process that is not running now, without waiting for a backoff. */
  start(name: ProgramName): void
  /** Resolves when `/ready` says `ready`. @throws ConstellationError when it does not in time. */
  untilReady(timeoutMs?: number): Promise<void>
  /** Resolves when this process runs and has said that it serves. @throws ConstellationError after the limit. */
  untilStarted(name: ProgramName, timeoutMs?: number): Promise<void>
  /** kill -9 of everything at once, as a power cut would: nothing is finished, nothing started again. */
  crash(): Promise<void>
  /** Stops the gateway first, then the services, the wal last. */
  stop(): Promise<void>
}

const READY_TIMEOUT_MS = 60_000
const STOP_GRACE_MS = 10_000
const LOG_LINES_MAX = 1_000
/** How much earlier than the others the wal is started, at most. */
const HEAD_START_MS = 3_000
/** After the first process that cannot start: the others get this long to name their mistakes too. */
const OTHER_MISTAKES_MS = 10_000
const POLL_MS = 20

/**
 * Starts gateway and services as processes of their own and waits until all of it is ready.
 * @throws ConstellationError when a process cannot start or it takes too long; nothing is left running then.
 */
export async function startConstellation(options: ConstellationOptions): Promise<Constellation> {
  const constellation = new LocalConstellation(options)
  try {
    await constellation.startAll()
  } catch (error) {
    await constellation.stop()
    throw error
  }
  return constellation
}

/** The lines of one process, and how it has fared. */
interface Member {
  readonly process: SupervisedProcess
  readonly lines: string[]
  lastDeath: Death | undefined
  /** It cannot start, and trying again would not help. */
  failed: boolean
}

class LocalConstellation implements Constellation {
  readonly baseUrl: string
  readonly grpcAddress: string
  readonly port: number
  readonly dataDir: string
  /** Where /ready is in plain HTTP. */
  readonly #probeUrl: string
  readonly #options: ConstellationOptions
  readonly #members = new Map<ProgramName, Member>()
  readonly #logFile: WriteStream | undefined
  /** Aborted when a process cannot start at all. */
  readonly #failed = new AbortController()
  #starting = true
  #stopped: Promise<void> | undefined

  constructor(options: ConstellationOptions) {
    this.#options = options
    this.port = options.port
    this.dataDir = options.dataDir
    const programs = options.programs ?? builtPrograms(options.cwd)
    const [{ name: gateway } = { name: 'gateway' as const }] = programs.filter(
      ({ name }) => name === 'one-process',
    )
    const places = gatewayPlaces(options.port, environmentOf(gateway, options, options))
    this.baseUrl = places.baseUrl
    this.grpcAddress = places.grpcAddress
    this.#probeUrl = places.probeUrl
    if (options.logFile !== undefined) {
      mkdirSync(dirname(options.logFile), { recursive: true })
      this.#logFile = createWriteStream(options.logFile, { flags: 'a' })
      this.#logFile.on('error', (error) => this.#tell(`the log file cannot be written: ${error.message}`))
    }
    for (const program of programs) this.#add(program)
  }

  async startAll(): Promise<void> {
    // Any order works, but whoever comes before the log waits a while before it asks for it again.
    const wal = this.#members.get('wal')
    wal?.process.start()
    await this.#untilAll(wal ? [wal] : [], HEAD_START_MS)
    for (const { process } of this.#members.values()) process.start()
    try {
      await this.untilReady(this.#options.readyTimeoutMs ?? READY_TIMEOUT_MS)
    } catch (error) {
      if (this.#failed.signal.aborted) await this.#untilAll([...this.#members.values()], OTHER_MISTAKES_MS)
      throw this.#failed.signal.aborted ? new ConstellationError(this.#mistakes().join('\n')) : error
    }
    this.#starting = false
  }

  async untilReady(timeoutMs = READY_TIMEOUT_MS): Promise<void> {
    const enough = new AbortController()
    const giveUp = (): void => enough.abort()
    const limit = setTimeout(giveUp, timeoutMs)
    const causes = this.#starting ? [this.#failed.signal, this.#options.signal] : []
    for (const cause of causes) cause?.addEventListener('abort', giveUp)
    if (causes.some((cause) => cause?.aborted)) giveUp()
    // The gateway may still take a service for up that has just died; so the processes are asked as well.
    const everyoneStarted = (): boolean =>
      [...this.#members.values()].every((member) => member.process.isStarted)
    let ready = false
    while (!ready && (await untilReady(this.#probeUrl, enough.signal))) {
      ready = everyoneStarted()
      if (!ready) await pause(POLL_MS)
    }
    clearTimeout(limit)
    for (const cause of causes) cause?.removeEventListener('abort', giveUp)
    if (ready) return
    if (this.#starting && this.#options.signal?.aborted) {
      throw new ConstellationError('the start was given up')
    }
    const late = `it was not ready after ${durationText(timeoutMs)}:`
    throw new ConstellationError([late, ...this.#states()].join('\n'))
  }

  async untilStarted(name: ProgramName, timeoutMs = READY_TIMEOUT_MS): Promise<void> {
    const { process } = this.#member(name)
    const deadlineMs = performance.now() + timeoutMs
    while (!process.isStarted) {
      if (performance.now() > deadlineMs) {
        throw new ConstellationError(`${name} was not started after ${durationText(timeoutMs)}`)
      }
      await pause(POLL_MS)
    }
  }

  pids(): Partial<Record<ProgramName, number>> {
    const pids: Partial<Record<ProgramName, number>> = {}
    for (const [name, { process }] of this.#members) {
      if (process.pid !== undefined) pids[name] = process.pid
    }
    return pids
  }

  restarts(name: ProgramName): number {
    return this.#member(name).process.restarts
  }

  logs(name: ProgramName): readonly string[] {
    return this.#member(name).lines
  }

  async kill(name: ProgramName, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const { process } = this.#member(name)
    const gone = process.untilGone()
    process.signal(signal)
    if (signal === 'SIGKILL') await gone
  }

  start(name: ProgramName): void {
    this.#member(name).process.start()
  }

  async crash(): Promise<void> {
    await Promise.all([...this.#members.values()].map(({ process }) => process.stop(0)))
    this.#stopped ??= this.#closeLog()
    await this.#stopped
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stopInOrder()
    return this.#stopped
  }

  async #stopInOrder(): Promise<void> {
    for (const names of [['one-process'] as const, ...stopOrder()]) {
      await Promise.all(names.map((name) => this.#members.get(name)?.process.stop()))
    }
    await this.#closeLog()
  }

  #closeLog(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#logFile) this.#logFile.end(() => resolve())
      else resolve()
    })
  }

  #add({ name, main }: Program): void {
    const options = this.#options
    const process = new SupervisedProcess({
      name,
      main,
      cwd: options.cwd,
      env: environmentOf(name, options, options),
      restart: options.supervise,
      stopGraceMs: options.stopGraceMs ?? STOP_GRACE_MS,
      ...(options.backoff ? { backoff: options.backoff } : {}),
      onLine: (line) => this.#takeLine(name, line),
      onStarted: () => {
        if (!this.#starting) this.#tell(`${name} is back`)
      },
      onDeath: (death) => this.#takeDeath(name, death),
    })
    this.#members.set(name, { process, lines: [], lastDeath: undefined, failed: false })
  }

  #takeLine(service: ProgramName, line: ProcessLine): void {
    const { lines } = this.#member(service)
    lines.push(line.text)
    if (lines.length > LOG_LINES_MAX) lines.shift()
    this.#logFile?.write(`${service} ${line.text}\n`)
    this.#options.onLine?.({ service, ...line })
  }

  #takeDeath(name: ProgramName, death: Death): void {
    const member = this.#member(name)
    member.lastDeath = death
    const giveUp = this.#starting && (death.final || !this.#options.supervise)
    if (giveUp) {
      member.failed = true
      this.#failed.abort()
    } else {
      const next =
        death.restartInMs === undefined ? '' : `; starting it again in ${durationText(death.restartInMs)}`
      this.#tell(`${name} ${death.cause}${next}`)
    }
  }

  #tell(sentence: string): void {
    this.#options.onEvent?.(sentence)
  }

  /** Waits until each of them has either started or died, within a limit. */
  async #untilAll(members: readonly Member[], limitMs: number): Promise<void> {
    const deadlineMs = performance.now() + limitMs
    const isUndecided = ({ process, lastDeath }: Member): boolean => !process.isStarted && !lastDeath
    while (members.some(isUndecided) && performance.now() < deadlineMs) {
      if (this.#options.signal?.aborted) return
      await pause(POLL_MS)
    }
  }

  /** What the processes that cannot start have said, in their own words; each sentence once. */
  #mistakes(): readonly string[] {
    const sentences = new Set<string>()
    for (const [name, { failed, lastDeath, lines }] of this.#members) {
      if (!failed || !lastDeath) continue
      if (!lastDeath.final) sentences.add(`${name} ${lastDeath.cause} before it was ready`)
      const said = lastDeath.lastWords.length > 0 ? lastDeath.lastWords : lines.slice(-3)
      for (const line of said) sentences.add(messageOf(line))
    }
    return [...sentences]
  }

  #states(): readonly string[] {
    return [...this.#members].map(([name, { process, lastDeath, lines }]) => {
      const last = lines.at(-1)
      const said = last === undefined ? '' : `; its last line: ${messageOf(last)}`
      if (process.isStarted) return `  ${name} runs${said}`
      const times = process.restarts === 0 ? '' : ` (${process.restarts + 1} times)`
      return `  ${name} ${lastDeath ? lastDeath.cause + times : 'has not started yet'}${said}`
    })
  }

  #member(name: ProgramName): Member {
    const member = this.#members.get(name)
    if (!member) throw new ConstellationError(`there is no process ${name} in this constellation`)
    return member
  }
}
