import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { testEnvironment } from './environment.js'
import { isAlive } from './liveness.js'
import { type Death, SupervisedProcess, type SupervisedProcessOptions } from './supervised-process.js'

const main = fileURLToPath(new URL('../fixtures/service.mjs', import.meta.url))
const started: SupervisedProcess[] = []
const directories: string[] = []
afterEach(async () => {
  await Promise.all(started.splice(0).map((process) => process.stop(0)))
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true })
})

/** A process whose starts and deaths can be waited for one by one. */
class Watched {
  readonly deaths: Death[] = []
  readonly lines: string[] = []
  readonly process: SupervisedProcess
  starts = 0
  #changed: (() => void) | undefined

  constructor(env: NodeJS.ProcessEnv, options: Partial<SupervisedProcessOptions> = {}) {
    const changed = (): void => this.#changed?.()
    this.process = new SupervisedProcess({
      name: 'fixture',
      main,
      cwd: tmpdir(),
      env: { ...testEnvironment(), GRPC_ADDR: '127.0.0.1:0', ...env },
      restart: true,
      backoff: { firstMs: 10, maxMs: 40, resetAfterMs: 60_000 },
      stopGraceMs: 10_000,
      onLine: ({ text }) => this.lines.push(text),
      onStarted: () => {
        this.starts += 1
        changed()
      },
      onDeath: (death) => {
        this.deaths.push(death)
        changed()
      },
      ...options,
    })
    started.push(this.process)
    this.process.start()
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        this.#changed = resolve
      })
    }
  }
}

describe('SupervisedProcess', () => {
  it('starts again what was killed, and says how it died', async () => {
    const watched = new Watched({})
    await watched.until(() => watched.starts === 1)
    const first = watched.process.pid
    watched.process.signal('SIGKILL')
    await watched.until(() => watched.starts === 2)
    expect(watched.deaths).toMatchObject([{ cause: 'died (SIGKILL)', final: false, restartInMs: 10 }])
    expect(watched.process.restarts).toBe(1)
    expect(watched.process.pid).not.toBe(first)
    expect(watched.process.isStarted).toBe(true)
  })

  it('waits longer from death to death', async () => {
    const watched = new Watched({ FIXTURE: 'crash' })
    await watched.until(() => watched.deaths.length === 4)
    expect(watched.deaths.map(({ restartInMs }) => restartInMs)).toEqual([10, 20, 40, 40])
    expect(watched.deaths[0]?.cause).toBe('ended with code 3')
  })

  it('does not start again without being told to', async () => {
    const watched = new Watched({ FIXTURE: 'crash' }, { restart: false })
    await watched.until(() => watched.deaths.length === 1)
    expect(watched.deaths[0]?.restartInMs).toBeUndefined()
    expect(watched.process.pid).toBeUndefined()
    watched.process.start()
    await watched.until(() => watched.starts === 2)
  })

  it.each([
    ['a mistake in the environment', { FIXTURE: 'nonsense' }, 'ended with code 78', 'FIXTURE is not steady'],
    ['something that is taken', { FIXTURE: 'unavailable' }, 'ended with code 69', 'somebody else has'],
  ])('gives up at %s', async (_case, env, cause, sentence) => {
    const watched = new Watched(env)
    await watched.until(() => watched.deaths.length === 1)
    expect(watched.deaths[0]).toMatchObject({ cause, final: true, restartInMs: undefined })
    expect(watched.deaths[0]?.lastWords.join('\n')).toContain(sentence)
  })

  it('does not give up what has once run', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'fractal-lba-supervised-'))
    directories.push(directory)
    const mistakeFile = join(directory, 'mistake')
    const watched = new Watched({ FIXTURE_MISTAKE_FILE: mistakeFile })
    await watched.until(() => watched.starts === 1)
    writeFileSync(mistakeFile, '')
    watched.process.signal('SIGKILL')
    await watched.until(() => watched.deaths.length === 2)
    expect(watched.deaths[1]).toMatchObject({ cause: 'ended with code 78', final: false, restartInMs: 20 })
    rmSync(mistakeFile)
    await watched.until(() => watched.starts === 2)
  })

  it('retries a program that is not there', async () => {
    const watched = new Watched({}, { main: join(tmpdir(), 'no-such-program.mjs') })
    await watched.until(() => watched.deaths.length === 2)
    expect(watched.deaths[0]?.cause).toBe('ended with code 1')
    expect(watched.deaths[0]?.lastWords.join('\n')).toContain('no-such-program.mjs')
  })

  it('stops by asking, and does not start again', async () => {
    const watched = new Watched({})
    await watched.until(() => watched.starts === 1)
    const { pid } = watched.process
    await watched.process.stop()
    expect(pid !== undefined && isAlive(pid)).toBe(false)
    expect(watched.deaths).toEqual([])
    expect(watched.lines.join('\n')).toContain('stopping: SIGTERM')
    expect(watched.process.pid).toBeUndefined()
  })

  it('kills what does not stop in time', async () => {
    const watched = new Watched({ FIXTURE: 'stubborn' }, { stopGraceMs: 100 })
    await watched.until(() => watched.starts === 1)
    const { pid } = watched.process
    await watched.process.stop()
    expect(pid !== undefined && isAlive(pid)).toBe(false)
  })

  it('does not start again what was stopped while it waited', async () => {
    const watched = new Watched(
      { FIXTURE: 'crash' },
      { backoff: { firstMs: 1, maxMs: 1, resetAfterMs: 60_000 } },
    )
    await watched.until(() => watched.deaths.length === 1)
    await watched.process.stop()
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(watched.process.pid).toBeUndefined()
  })

  it('gives it a process group of its own, which Ctrl-C in the terminal does not reach', async () => {
    const watched = new Watched({})
    await watched.until(() => watched.starts === 1)
    const { pid = 0 } = watched.process
    expect(pid).toBeGreaterThan(0)
    expect(() => process.kill(-pid, 0)).not.toThrow()
  })
})
