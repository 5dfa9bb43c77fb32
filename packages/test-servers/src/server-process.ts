import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, statSync } from 'node:fs'
import { chown } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from './run.js'

/** What a test may do to a server. */
export interface ServerControls {
  /** Asks it to end, as its own shutdown does; what it keeps on disk stays for restart(). */
  stop(): Promise<void>
  /** kill -9. */
  kill(): Promise<void>
  /** SIGSTOP to it and its children: it is there and answers nothing. */
  pause(): Promise<void>
  /** SIGCONT. */
  resume(): Promise<void>
  /** Starts it again where it was, if need be after a stop. */
  restart(): Promise<void>
  /** Ends it and removes its directory. */
  close(): Promise<void>
  /** What it has written since its first start. */
  log(): string
}

export interface ServerCommand {
  readonly file: string
  readonly args: readonly string[]
  /** Asks it to end at once but in order. */
  readonly stopSignal: NodeJS.Signals
  /** In its log, when it takes connections. */
  readonly ready: RegExp
  readonly env?: NodeJS.ProcessEnv
  /** Whom it runs as; undefined: as we do. */
  readonly user: User | undefined
}

export interface User {
  readonly uid: number
  readonly gid: number
}

const START_LIMIT_MS = 30_000
const STOP_LIMIT_MS = 10_000
const POLL_MS = 10

/** A directory in which a server may keep what it likes, and which goes with it. */
export async function serverDirectory(name: string, user: User | undefined): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), `fractal-lba-${name}-`))
  if (user) await chown(directory, user.uid, user.gid)
  return directory
}

/** A server as a child process, which ends with this one, however this one ends. */
export class ServerProcess implements ServerControls {
  readonly #directory: string
  readonly #command: ServerCommand
  readonly #log: string
  #child: ChildProcess | undefined
  #guard: ChildProcess | undefined

  private constructor(directory: string, command: ServerCommand) {
    this.#directory = directory
    this.#command = command
    this.#log = join(directory, 'server.log')
  }

  /** @throws Error with the end of its log, when it does not come up. */
  static async start(directory: string, command: ServerCommand): Promise<ServerProcess> {
    const self = new ServerProcess(directory, command)
    try {
      await self.#start()
    } catch (error) {
      await self.close()
      throw error
    }
    return self
  }

  /** The controls alone, to be part of a larger object. */
  get controls(): ServerControls {
    return {
      stop: () => this.stop(),
      kill: () => this.kill(),
      pause: () => this.pause(),
      resume: () => this.resume(),
      restart: () => this.restart(),
      close: () => this.close(),
      log: () => this.log(),
    }
  }

  log(): string {
    return existsSync(this.#log) ? readFileSync(this.#log, 'utf8') : ''
  }

  async stop(): Promise<void> {
    await this.#end(this.#command.stopSignal)
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  async pause(): Promise<void> {
    for (const pid of await this.#family()) signal(pid, 'SIGSTOP')
  }

  async resume(): Promise<void> {
    for (const pid of await this.#family()) signal(pid, 'SIGCONT')
  }

  async restart(): Promise<void> {
    await this.stop()
    await this.#start()
  }

  async close(): Promise<void> {
    await this.stop()
    rmSync(this.#directory, { recursive: true, force: true, maxRetries: 5 })
  }

  async #start(): Promise<void> {
    const { file, args, env, user, ready } = this.#command
    const log = openSync(this.#log, 'a')
    const from = statSync(this.#log).size
    const child = spawn(file, args, {
      cwd: this.#directory,
      env: { ...process.env, ...env },
      stdio: ['ignore', log, log],
      ...user,
    })
    closeSync(log)
    this.#child = child
    const failed = new Promise<never>((_, reject) => {
      child.once('error', reject)
      child.once('exit', () => reject(new Error(`${file} ended at its start:\n${this.log().slice(-4_000)}`)))
    })
    failed.catch(() => undefined)
    if (child.pid !== undefined) {
      this.#guard = guard(child.pid, this.#command.stopSignal, this.#directory)
    }
    await Promise.race([failed, this.#untilReady(ready, from)])
  }

  async #untilReady(ready: RegExp, from: number): Promise<void> {
    for (const deadlineMs = performance.now() + START_LIMIT_MS; ; ) {
      if (ready.test(readFileSync(this.#log).subarray(from).toString('utf8'))) return
      if (this.#child?.exitCode !== null) return
      if (performance.now() > deadlineMs) throw new Error(`no start in time:\n${this.log().slice(-4_000)}`)
      await new Promise((resolve) => setTimeout(resolve, POLL_MS))
    }
  }

  async #end(how: NodeJS.Signals): Promise<void> {
    const child = this.#child
    if (child?.pid === undefined) return
    if (child.exitCode === null && child.signalCode === null) {
      const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
      const family = await this.#family()
      signal(child.pid, how)
      for (const pid of family) signal(pid, 'SIGCONT')
      const late = setTimeout(() => {
        for (const pid of family) signal(pid, 'SIGKILL')
      }, STOP_LIMIT_MS)
      await ended
      clearTimeout(late)
      // A child of Postgres may outlive its parent by a moment, and no other parent is taken while one is there.
      await untilGone(family)
    }
    this.#child = undefined
    this.#guard?.kill('SIGKILL')
    this.#guard = undefined
  }

  /** It and its children: Postgres has a process for each connection. */
  async #family(): Promise<number[]> {
    const own = this.#child?.pid
    if (own === undefined) return []
    const children = (await processes()).filter(({ parent }) => parent === own)
    return [own, ...children.map(({ pid }) => pid)]
  }
}

/** @throws Error when one of them still lives after the limit for a stop. */
async function untilGone(pids: readonly number[]): Promise<void> {
  const deadlineMs = performance.now() + STOP_LIMIT_MS
  for (;;) {
    const living = (await processes()).filter(({ pid, hasEnded }) => pids.includes(pid) && !hasEnded)
    if (living.length === 0) return
    if (performance.now() > deadlineMs) throw new Error(`still there: ${living.map(({ pid }) => pid)}`)
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}

interface Process {
  readonly pid: number
  readonly parent: number
  /** Its parent has not taken notice of its end yet. */
  readonly hasEnded: boolean
}

/** All that there are on this machine. */
async function processes(): Promise<Process[]> {
  const listed = await run('ps', ['-A', '-o', 'pid=,ppid=,stat='])
  return listed
    .trim()
    .split('\n')
    .map((line) => {
      const [pid, parent, state = ''] = line.trim().split(/\s+/)
      return { pid: Number(pid), parent: Number(parent), hasEnded: state.startsWith('Z') }
    })
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    // It has ended by itself.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

/**
 * A shell that waits for the end of its input, which is the end of this process, be it by kill -9, and then ends
 * the server and removes its directory.
 */
function guard(pid: number, stopSignal: NodeJS.Signals, directory: string): ChildProcess {
  const script = `trap '' INT TERM HUP
cat >/dev/null
kill -${stopSignal.slice(3)} ${pid}; kill -CONT ${pid}
for _ in 1 2 3 4 5 6 7 8 9 10; do kill -0 ${pid} || break; sleep 0.1; done
kill -KILL ${pid}
rm -rf -- "$1"`
  const shell = spawn('/bin/sh', ['-c', script, 'sh', directory], { stdio: ['pipe', 'ignore', 'ignore'] })
  shell.unref()
  return shell
}
