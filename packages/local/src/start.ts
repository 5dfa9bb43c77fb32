import { join } from 'node:path'
import {
  ConfigError,
  Env,
  eventLine,
  humanLine,
  type LogLevel,
  otherLevel,
  StartError,
  serviceNames,
} from '@fractal-lba/runtime'
import { type Constellation, ConstellationError, startConstellation } from './constellation.js'
import { type DevelopmentTls, developmentTls } from './development-tls.js'
import { type EndReason, watchForEnd } from './end-watch.js'
import type { Environment } from './environment.js'
import { builtPrograms, oneProcessProgram, type Program } from './layout.js'
import { preflight } from './preflight.js'
import { type Signing, signingOf } from './signing.js'
import { readStartArguments, readStartConfig, type StartConfig } from './start-config.js'
import { readyText } from './start-text.js'

/** What `npm start` brings along. */
export interface StartContext {
  readonly args: readonly string[]
  readonly env: NodeJS.ProcessEnv
  /** The root of the checkout. */
  readonly root: string
  /** Who started this process, noted when it began. */
  readonly parentPid: number
  readonly out: (text: string) => void
  /** Other programs than the built ones. */
  readonly programs?: readonly Program[]
}

/**
 * `npm start`: the constellation from the first look at the environment until somebody ends it.
 * @returns the exit code: 0 when it was ended, 1 when it could not start.
 */
export async function runStart(context: StartContext): Promise<number> {
  try {
    const { verbose, oneProcess, tls } = readStartArguments(context.args)
    const env = new Env(context.env)
    const config = readStartConfig(env, context.root, verbose)
    env.done()
    const programs = context.programs ?? programsOf(context.root, oneProcess)
    const obstacles = await preflight({ ...config, programs })
    if (obstacles.length > 0) throw new StartError(obstacles.join('\n'))
    const security = tls ? await developmentTls(join(config.dataDir, 'tls')) : undefined
    await runUntilEnded(context, config, programs, await signingOf(env, config.dataDir), security)
    return 0
  } catch (error) {
    if (error instanceof ConfigError) context.out(cannotStart(error.mistakes))
    else if (error instanceof StartError || error instanceof ConstellationError) {
      context.out(cannotStart(error.message.split('\n')))
    } else throw error
    return 1
  }
}

async function runUntilEnded(
  context: StartContext,
  config: StartConfig,
  programs: readonly Program[],
  signing: Signing,
  tls: DevelopmentTls | undefined,
): Promise<void> {
  const say = (line: string): void => context.out(`${line}\n`)
  const end = new End(context.parentPid, say)
  const bornMs = performance.now()
  const shown = new ShownLevel(config.shown)
  if (signing.warning !== undefined) say(signing.warning)
  say(`starting ${programsText(programs)}`)
  try {
    const constellation = await startConstellation({
      port: config.port,
      dataDir: config.dataDir,
      cwd: context.root,
      supervise: true,
      inherit: context.env,
      env: { ...config.dataPlaces, ...levelOf(config), ...signing.env },
      ...(tls && { envOf: tls.envOf }),
      programs,
      onLine: ({ service, text }) => {
        const line = humanLine(service, text, shown.level)
        if (line !== undefined) say(line)
      },
      onEvent: (sentence) => say(eventLine('start', sentence)),
      signal: end.signal,
    })
    end.guard(constellation)
    shown.follow(constellation, programs, (level) =>
      say(eventLine('start', `lines are shown from level ${level} on`)),
    )
    if (!end.signal.aborted) {
      const { baseUrl, grpcAddress, dataDir } = constellation
      const { keyFile } = signing
      const caFile = tls?.caFile
      const tookMs = performance.now() - bornMs
      context.out(readyText({ root: context.root, baseUrl, grpcAddress, dataDir, keyFile, caFile, tookMs }))
      await end.asked
    }
    await constellation.stop()
  } catch (error) {
    if (!end.signal.aborted) throw error
  } finally {
    end.stopWatching()
    shown.stopFollowing()
  }
  say('stopped; nothing runs any more')
}

/** The lowest level of the lines that are shown. SIGUSR2 switches it, and what the processes write, to debug and back. */
class ShownLevel {
  readonly #start: LogLevel
  #level: LogLevel
  #onSignal: () => void = () => undefined

  constructor(start: LogLevel) {
    this.#start = start
    this.#level = start
  }

  get level(): LogLevel {
    return this.#level
  }

  follow(
    constellation: Constellation,
    programs: readonly Program[],
    onSwitch: (level: LogLevel) => void,
  ): void {
    this.#onSignal = () => {
      this.#level = otherLevel(this.#level, this.#start)
      onSwitch(this.#level)
      for (const program of programs) void constellation.kill(program.name, 'SIGUSR2')
    }
    process.on('SIGUSR2', this.#onSignal)
  }

  stopFollowing(): void {
    process.off('SIGUSR2', this.#onSignal)
  }
}

/** Waits for somebody to end it; who asks a second time gets it at once, by force. */
class End {
  readonly #ended = new AbortController()
  readonly #stopWatching: () => void
  readonly #say: (line: string) => void
  #constellation: Constellation | undefined
  readonly asked: Promise<void>

  constructor(parentPid: number, say: (line: string) => void) {
    this.#say = say
    this.asked = new Promise((resolve) => {
      this.signal.addEventListener('abort', () => resolve())
    })
    this.#stopWatching = watchForEnd({ parentPid, onEnd: (reason) => this.#take(reason) })
  }

  get signal(): AbortSignal {
    return this.#ended.signal
  }

  guard(constellation: Constellation): void {
    this.#constellation = constellation
  }

  stopWatching(): void {
    this.#stopWatching()
  }

  #take({ why, again }: EndReason): void {
    if (!again) {
      this.#say(`\n${why}: stopping`)
      this.#ended.abort()
      return
    }
    this.#say(`${why} again: ending everything at once`)
    // Without one yet, the end of this process is what the others end with.
    if (!this.#constellation) process.exit(1)
    this.#constellation.crash().catch((error: unknown) => this.#say(String(error)))
  }
}

function programsOf(root: string, oneProcess: boolean): readonly Program[] {
  return oneProcess ? [oneProcessProgram(root)] : builtPrograms(root)
}

function programsText(programs: readonly Program[]): string {
  const all = [...serviceNames].reverse()
  const texts = programs.map(({ name }) => (name === 'one-process' ? `one process: ${all.join(', ')}` : name))
  return texts.join(', ')
}

function levelOf({ written }: StartConfig): Environment {
  return written === undefined ? {} : { LOG_LEVEL: written }
}

function cannotStart(sentences: readonly string[]): string {
  const [only] = sentences
  if (only !== undefined && sentences.length === 1) return `It cannot start: ${only}\n`
  return `It cannot start:\n${sentences.map((sentence) => `  ${sentence}\n`).join('')}`
}
