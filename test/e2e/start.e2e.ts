import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePortBlock, type PortBlock, readyStatus } from '@fractal-lba/local'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { repositoryRoot } from '../src/branch.js'
import { Client } from '../src/client.js'
import { isAlive, untilGone } from '../src/processes.js'
import { until } from '../src/until.js'

const READY_LIMIT_MS = 60_000
const GONE_LIMIT_MS = 20_000

let ports: PortBlock
let directory: string
beforeAll(async () => {
  ports = await freePortBlock()
  directory = await mkdtemp(join(tmpdir(), 'fractal-lba-test-'))
})
afterAll(async () => {
  await ports.release()
  await rm(directory, { recursive: true, force: true })
})

interface Start {
  readonly child: ChildProcess
  said(): string
  code(): number | null | undefined
}

/** `npm start`, without npm in between. */
function start(env: Readonly<Record<string, string>> = {}, args: readonly string[] = []): Start {
  let said = ''
  let code: number | null | undefined
  const { PATH, HOME, FRACTAL_LBA_TEST_RUN } = process.env
  const child = spawn(process.execPath, ['scripts/start.mjs', ...args], {
    cwd: repositoryRoot,
    env: {
      PATH,
      HOME,
      FRACTAL_LBA_TEST_RUN,
      PORT: String(ports.base),
      DATA_DIR: join(directory, 'data'),
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (part: string) => {
      said += part
    })
  }
  child.on('exit', (exit) => {
    code = exit
  })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  return { child, said: () => said, code: () => code }
}

async function untilSaid({ said, code }: Start, words: RegExp, limitMs = READY_LIMIT_MS): Promise<void> {
  await until(`it says ${words}`, limitMs, () => {
    if (words.test(said())) return true
    if (code() !== undefined) throw new Error(`it ended with ${code()}: ${said()}`)
    return false
  })
}

async function untilEnded({ code }: Start): Promise<number | null | undefined> {
  await until('it has ended', GONE_LIMIT_MS, () => code() !== undefined)
  return code()
}

/** The line to paste, run by a shell in the directory of the checkout. */
function paste(line: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const { PATH, HOME } = process.env
    const shell = spawn('/bin/sh', ['-c', line], { cwd: repositoryRoot, env: { PATH, HOME } })
    let out = ''
    for (const stream of [shell.stdout, shell.stderr]) {
      stream.setEncoding('utf8').on('data', (part: string) => {
        out += part
      })
    }
    shell.on('error', reject)
    shell.on('close', () => resolve(out))
  })
}

/** By /proc. */
async function childrenOf(pid: number | undefined): Promise<number[]> {
  const found: number[] = []
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const status = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '')
    if (Number(status.slice(status.lastIndexOf(')') + 2).split(' ')[1]) === pid) found.push(Number(name))
  }
  return found
}

describe('npm start', () => {
  it('makes a key, shows a verdict to who pastes its line, and again after a restart', async () => {
    const first = start()
    await untilSaid(first, /Ctrl-C/)
    const line = /^npx pcs build .*$/m.exec(first.said())?.[0] ?? ''
    expect(line).toContain('| npx pcs submit')
    expect(await paste(line)).toMatch(/accepted/)
    expect((await stat(join(directory, 'data/hmac.key'))).mode & 0o777).toBe(0o600)
    await until('all of it is ready', 10_000, async () => {
      return (await readyStatus(`http://127.0.0.1:${ports.base}`)) === 'ready'
    })
    const children = await childrenOf(first.child.pid)
    expect(children.length).toBe(5)
    first.child.kill('SIGINT')
    expect(await untilEnded(first)).toBe(0)
    for (const pid of children) expect(await isAlive(pid)).toBe(false)

    const second = start()
    await untilSaid(second, /Ctrl-C/)
    expect(await paste(/^npx pcs build .*$/m.exec(second.said())?.[0] ?? '')).toMatch(/accepted/)
    const others = await childrenOf(second.child.pid)
    expect(others.length).toBe(5)

    const third = start()
    expect(await untilEnded(third)).toBe(1)
    expect(third.said()).toContain(String(ports.base))
    expect(third.said()).toContain('PORT=')

    second.child.kill('SIGKILL')
    await untilGone(others, GONE_LIMIT_MS)
  }, 120_000)

  it('starts all of it in one process when asked to, and that process again when it dies', async () => {
    const run = start({ DATA_DIR: join(directory, 'one-process') }, ['--one-process'])
    await untilSaid(run, /Ctrl-C/)
    expect(run.said()).toMatch(/^starting one process: gateway, signal-scoring, dedup, verifier, wal$/m)
    const line = /^npx pcs build .*$/m.exec(run.said())?.[0] ?? ''
    expect(await paste(line)).toMatch(/judged for the first time/)
    expect(run.said()).not.toContain(' debug ')
    run.child.kill('SIGUSR2')
    await untilSaid(run, /lines are shown from level debug on/)
    await untilSaid(run, /^\S+ one-process +warn {2}lines are written from level debug on/m)
    await paste(line)
    await untilSaid(run, /^\S+ gateway +debug answered .*route=\/v1\/pcs\/submit/m)
    const [pid, ...others] = await childrenOf(run.child.pid)
    if (pid === undefined) throw new Error('there is no process')
    expect(others).toEqual([])
    process.kill(pid, 'SIGKILL')
    await untilSaid(run, /one-process is back/)
    await until('its verdict is replayed', READY_LIMIT_MS, async () => /replay/.test(await paste(line)))
    run.child.kill('SIGTERM')
    expect(await untilEnded(run)).toBe(0)
    expect(run.said()).toContain('nothing runs any more')
  }, 120_000)

  it('names the process that died and starts it again', async () => {
    const run = start()
    await untilSaid(run, /Ctrl-C/)
    const children = await childrenOf(run.child.pid)
    const client = new Client(`http://127.0.0.1:${ports.base}`)
    onTestFinished(() => client.close())
    for (const pid of children) process.kill(pid, 'SIGKILL')
    await untilSaid(run, /verifier died/)
    await untilSaid(run, /verifier is back/)
    await until('it is ready again', READY_LIMIT_MS, async () => {
      const answer = await client.get('/ready').catch(() => undefined)
      return answer?.status === 200 && answer.body.includes('"status":"ready"')
    })
    run.child.kill('SIGTERM')
    expect(await untilEnded(run)).toBe(0)
  }, 120_000)

  it.each([
    ['a directory that cannot be written', { DATA_DIR: 'FILE/data' }, /DATA_DIR/],
    ['a port that is none', { PORT: 'abc' }, /PORT/],
    ['a key without an algorithm', { PCS_HMAC_KEY: 'x' }, /PCS_SIGN_ALG/],
    ['a wrong parameter', { PCS_TOL_D: 'x' }, /PCS_TOL_D/],
    ['a wrong parameter in one process', { PCS_TOL_D: 'x' }, /PCS_TOL_D/, ['--one-process']],
  ])('%s: one sentence that says what to do', async (_name, env, words, args: readonly string[] = []) => {
    const file = join(directory, 'a-file')
    await writeFile(file, '')
    const changed = Object.fromEntries(
      Object.entries(env).map(([name, value]) => [name, value.replace('FILE', file)]),
    )
    const run = start(changed, args)
    expect(await untilEnded(run)).toBe(1)
    expect(run.said()).toMatch(words)
    expect(run.said()).not.toMatch(/\bat .*\.(js|mjs|ts):\d+/)
    expect(await childrenOf(run.child.pid)).toEqual([])
  })
})
