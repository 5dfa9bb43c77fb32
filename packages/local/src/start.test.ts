import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { testEnvironment } from './environment.js'
import { survivors } from './liveness.js'
import { freePortBlock, type PortBlock } from './ports.js'
import { untilReady } from './ready-probe.js'

const ENOUGH_MS = 30_000

let block: PortBlock
let directory: string
const running: ChildProcess[] = []
beforeEach(async () => {
  block = await freePortBlock()
  directory = mkdtempSync(join(tmpdir(), 'fractal-lba-start-'))
})
afterEach(async () => {
  for (const child of running.splice(0)) child.kill('SIGKILL')
  await block.release()
  rmSync(directory, { recursive: true, force: true })
})

/** npm start over fixtures in a process of its own; with `parent.mjs` between it and this one. */
class Started {
  readonly child: ChildProcess
  readonly exit: Promise<number | string | null>
  output = ''
  #changed: (() => void) | undefined

  constructor(env: NodeJS.ProcessEnv, args: readonly string[] = [], program = 'start.mjs') {
    const main = fileURLToPath(new URL(`../fixtures/${program}`, import.meta.url))
    this.child = spawn(process.execPath, [main, ...args], {
      cwd: directory,
      env: { ...testEnvironment(), PORT: String(block.base), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    running.push(this.child)
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding('utf8')
      stream?.on('data', (text: string) => {
        this.output += text
        this.#changed?.()
      })
    }
    this.exit = new Promise((resolve) => {
      this.child.once('close', (code, signal) => resolve(signal ?? code))
    })
    this.exit.then(() => this.#changed?.())
  }

  /** @throws when it ends before. */
  async until(wanted: string | (() => boolean)): Promise<void> {
    while (!(typeof wanted === 'string' ? this.output.includes(wanted) : wanted())) {
      if (this.child.exitCode !== null) throw new Error(`it ended before ${wanted}:\n${this.output}`)
      await new Promise<void>((resolve) => {
        this.#changed = resolve
      })
    }
  }

  /** Of the processes that it runs; shown with --verbose. */
  get pids(): number[] {
    return [...this.output.matchAll(/ pid=(\d+)/g)].map((match) => Number(match[1]))
  }
}

describe('npm start', () => {
  it('says when it is ready and what to paste, and ends with Ctrl-C', async () => {
    const started = new Started({ FIXTURE_NAME: 'fixture' })
    await started.until('Ctrl-C ends it')
    expect(started.output).toContain(`listens at   http://127.0.0.1:${block.base}  (gRPC`)
    expect(started.output).toContain('--key-file data/hmac.key | npx pcs submit')
    expect(started.output).toContain(`--endpoint http://127.0.0.1:${block.base}\n`)
    started.child.kill('SIGINT')
    expect(await started.exit).toBe(0)
    expect(started.output).toMatch(/\nCtrl-C: stopping\n.*stopped; nothing runs any more\n$/s)
  })

  it('keeps its key, and shows it nowhere', async () => {
    const keys: string[] = []
    for (const _time of ['first', 'second']) {
      const started = new Started({}, ['--verbose'])
      await started.until('Ctrl-C ends it')
      started.child.kill('SIGTERM')
      expect(await started.exit).toBe(0)
      const key = readFileSync(join(directory, 'data', 'hmac.key'), 'utf8')
      expect(started.output).not.toContain(key)
      keys.push(key)
    }
    expect(keys[0]).toBe(keys[1])
    expect(statSync(join(directory, 'data', 'hmac.key')).mode & 0o777).toBe(0o600)
  })

  it.each([
    [
      'a PORT that is none',
      { PORT: 'web' },
      /^It cannot start: PORT is not a whole number from 1 to 60000\n$/,
    ],
    [
      'a PORT without room',
      { PORT: '65535' },
      /^It cannot start: PORT is not a whole number from 1 to 60000\n$/,
    ],
    ['a LOG_LEVEL that is none', { LOG_LEVEL: 'loud' }, /^It cannot start: LOG_LEVEL is not /],
    ['keys without PCS_SIGN_ALG', { PCS_HMAC_KEY: 'k' }, /^It cannot start: PCS_HMAC_KEY is set but .*\n$/],
  ])('refuses %s in one sentence', async (_case, env, sentence) => {
    const started = new Started(env)
    expect(await started.exit).toBe(1)
    expect(started.output).toMatch(sentence)
  })

  it('refuses a taken port in one sentence', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(block.base + 2, '127.0.0.1', resolve))
    const started = new Started({})
    expect(await started.exit).toBe(1)
    expect(started.output).toMatch(
      new RegExp(`^It cannot start: Port ${block.base + 2} is taken, and wal .*PORT=\\d+ npm start\n$`),
    )
    await new Promise((resolve) => server.close(resolve))
  })

  it('refuses a directory that cannot be written in one sentence', async () => {
    writeFileSync(join(directory, 'file'), '')
    const started = new Started({ DATA_DIR: join(directory, 'file', 'data') })
    expect(await started.exit).toBe(1)
    expect(started.output).toMatch(/^It cannot start: \S+\/file\/data cannot be written .*DATA_DIR=.*\n$/)
  })

  it.each(['/proc/x', '/proc/x/data'])(
    'refuses %s, where nothing can be made, in one sentence',
    async (place) => {
      const started = new Started({ DATA_DIR: place })
      expect(await Promise.race([started.exit, sleep(10_000, 'it hangs')])).toBe(1)
      expect(started.output).toMatch(/^It cannot start: \/proc\/x\S* cannot be written .*DATA_DIR=.*\n$/)
    },
  )

  it('passes on what a service says about the environment', async () => {
    const started = new Started({ METRICS_USER: 'only half' })
    expect(await started.exit).toBe(1)
    expect(started.output).toContain('METRICS_USER and METRICS_PASS belong together')
  })

  it.each([['--nonsense'], ['word']])('does not understand %s', async (argument) => {
    const started = new Started({}, [argument])
    expect(await started.exit).toBe(1)
    expect(started.output).toMatch(/^It cannot start: .*: see npm start -- --help\n$/)
  })

  it('ends with Ctrl-C also before it is ready', async () => {
    const started = new Started({ FIXTURE: 'degraded' })
    await started.until('starting wal')
    started.child.kill('SIGINT')
    expect(await started.exit).toBe(0)
    expect(started.output).toContain('stopped; nothing runs any more')
  })

  it('goes on when its own output is on a full disk', async () => {
    const full = openSync('/dev/full', 'w')
    const child = spawn(
      process.execPath,
      [fileURLToPath(new URL('../fixtures/start.mjs', import.meta.url))],
      {
        cwd: directory,
        env: { ...testEnvironment(), PORT: String(block.base), LOG_LEVEL: 'info' },
        stdio: ['ignore', full, full],
      },
    )
    closeSync(full)
    running.push(child)
    const exit = new Promise((resolve) => child.once('exit', (code, signal) => resolve(signal ?? code)))
    const ready = untilReady(`http://127.0.0.1:${block.base}`, AbortSignal.timeout(ENOUGH_MS))
    expect(await Promise.race([ready, exit])).toBe(true)
    child.kill('SIGTERM')
    expect(await exit).toBe(0)
  })

  it.each([
    ['its parent', 'SIGKILL', 'parent.mjs'],
    ['it', 'SIGKILL', 'start.mjs'],
    ['it', 'SIGHUP', 'start.mjs'],
  ] as const)('leaves nothing behind when %s gets a %s', async (_who, signal, program) => {
    const started = new Started({ LOG_LEVEL: 'info' }, [], program)
    await started.until('Ctrl-C ends it')
    // A process may be ready before its first line has come through.
    await started.until(() => started.pids.length === 5)
    const { pids } = started
    expect(await survivors(pids, 0)).toEqual(pids)
    started.child.kill(signal)
    expect(await survivors(pids, ENOUGH_MS)).toEqual([])
    // The pipe is closed when the last of them has let go of it: start.mjs too.
    await started.exit
  })
})
