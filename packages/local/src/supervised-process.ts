import { type ChildProcess, spawn } from 'node:child_process'
import { EXIT_CONFIG, EXIT_UNAVAILABLE } from '@fractal-lba/runtime'
import { Backoff, type BackoffPolicy, defaultBackoff } from './backoff.js'
import { eachLine } from './lines.js'
import { within } from './time.js'

export interface ProcessLine {
  readonly stream: 'stdout' | 'stderr'
  readonly text: string
}

/** How one life of a process ended. */
export interface Death {
  /** Completes "NAME …": "died (SIGKILL)", "ended with code 1". */
  readonly cause: string
  /** The configuration is wrong or a port is taken, at the first start: trying again would not help. */
  readonly final: boolean
  /** What it wrote to its standard error in this life, the last lines of it. */
  readonly lastWords: readonly string[]
  /** Until it is started again; undefined when it is not. */
  readonly restartInMs: number | undefined
}

export interface SupervisedProcessOptions {
  readonly name: string
  /** The file that Node runs. */
  readonly main: string
  readonly cwd: string
  readonly env: NodeJS.ProcessEnv
  /** Whether it is started again when it dies. */
  readonly restart: boolean
  readonly backoff?: BackoffPolicy
  /** From SIGTERM to SIGKILL. */
  readonly stopGraceMs: number
  readonly onLine: (line: ProcessLine) => void
  readonly onStarted: () => void
  readonly onDeath: (death: Death) => void
}

const LAST_WORDS_MAX = 20
/** How long the last lines of a dead process are waited for; something it started may hold its output open. */
const LAST_LINES_MS = 2_000

/** One life of a process. */
interface Life {
  readonly child: ChildProcess
  /** Resolved when the process is gone and its death was told. */
  readonly gone: Promise<void>
}

/**
 * One process, kept alive. It runs in a process group of its own, so that Ctrl-C in a terminal reaches the
 * supervisor alone, which then stops all in order. The channel between the two is what ends the process when
 * the supervisor is gone, however it went: `runProcess` stops when it closes.
 */
export class SupervisedProcess {
  readonly #options: SupervisedProcessOptions
  readonly #backoff: Backoff
  #life: Life | undefined
  #timer: NodeJS.Timeout | undefined
  #stopping = false
  #everStarted = false
  #isStarted = false
  #restarts = 0

  constructor(options: SupervisedProcessOptions) {
    this.#options = options
    this.#backoff = new Backoff(options.backoff ?? defaultBackoff)
  }

  get name(): string {
    return this.#options.name
  }

  /** Undefined while there is none. */
  get pid(): number | undefined {
    return this.#life?.child.pid
  }

  /** It runs and has said that it serves. */
  get isStarted(): boolean {
    return this.#isStarted
  }

  /** How often it was started again by itself. */
  get restarts(): number {
    return this.#restarts
  }

  /** Starts it now; without effect when it runs. */
  start(): void {
    clearTimeout(this.#timer)
    if (this.#life) return
    this.#stopping = false
    const bornMs = performance.now()
    const lastWords: string[] = []
    const child = spawn(process.execPath, [this.#options.main], {
      cwd: this.#options.cwd,
      env: this.#options.env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    const outputEnds = [this.#listen(child, 'stdout', lastWords), this.#listen(child, 'stderr', lastWords)]
    child.on('message', (message) => {
      if (message !== 'started') return
      this.#everStarted = true
      this.#isStarted = true
      this.#options.onStarted()
    })
    const gone = endOf(child).then(async (end) => {
      this.#isStarted = false
      await within(LAST_LINES_MS, Promise.all(outputEnds))
      this.#life = undefined
      this.#bury(end, performance.now() - bornMs, lastWords)
    })
    this.#life = { child, gone }
  }

  /** Sends a signal; false when there is no process to take it. */
  signal(signal: NodeJS.Signals): boolean {
    return this.#life?.child.kill(signal) ?? false
  }

  /** Resolved when the life under way has ended; at once when there is none. */
  async untilGone(): Promise<void> {
    await this.#life?.gone
  }

  /** Stops it and does not start it again: SIGTERM, after the grace SIGKILL. */
  async stop(graceMs = this.#options.stopGraceMs): Promise<void> {
    this.#stopping = true
    clearTimeout(this.#timer)
    const life = this.#life
    if (!life) return
    if (graceMs > 0) {
      life.child.kill('SIGTERM')
      await within(graceMs, life.gone)
    }
    if (this.#life === life) life.child.kill('SIGKILL')
    await life.gone
  }

  /** The promise is resolved when the stream has ended. */
  #listen(child: ChildProcess, name: 'stdout' | 'stderr', lastWords: string[]): Promise<void> {
    const stream = child[name]
    if (!stream) return Promise.resolve()
    eachLine(stream, (text) => {
      if (name === 'stderr') {
        lastWords.push(text)
        if (lastWords.length > LAST_WORDS_MAX) lastWords.shift()
      }
      this.#options.onLine({ stream: name, text })
    })
    return new Promise((resolve) => {
      stream.once('close', resolve)
    })
  }

  #bury(end: End, livedMs: number, lastWords: readonly string[]): void {
    if (this.#stopping) return
    const final = !this.#everStarted && (end.code === EXIT_CONFIG || end.code === EXIT_UNAVAILABLE)
    const restartInMs = this.#options.restart && !final ? this.#backoff.delayMs(livedMs) : undefined
    if (restartInMs !== undefined) {
      this.#timer = setTimeout(() => {
        this.#restarts += 1
        this.start()
      }, restartInMs)
    }
    this.#options.onDeath({ cause: causeOf(end), final, lastWords, restartInMs })
  }
}

interface End {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** It could not even be started. */
  readonly error?: Error
}

function endOf(child: ChildProcess): Promise<End> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }))
    child.on('error', (error) => {
      // Also told when a signal could not be sent: only a process that never was has no pid.
      if (child.pid === undefined) resolve({ code: null, signal: null, error })
    })
  })
}

function causeOf({ code, signal, error }: End): string {
  if (error) return `could not be started (${error.message})`
  return signal === null ? `ended with code ${code}` : `died (${signal})`
}
