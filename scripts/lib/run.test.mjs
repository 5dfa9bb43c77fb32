import { spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { run } from './run.mjs'

const options = { cwd: tmpdir(), limitMs: 50_000 }
const module = JSON.stringify(fileURLToPath(new URL('run.mjs', import.meta.url)))
/** A program that starts another one, tells both pids and never ends. */
const FAMILY = `
  const child = require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
  console.log('pids ' + process.pid + ' ' + child.pid + ' end')
  setInterval(() => {}, 1000)`

describe('run', () => {
  it('keeps the output and the exit code', async () => {
    const script = 'console.log("out"); console.error("err"); process.exit(3)'
    const ran = await run(process.execPath, ['-e', script], options)
    expect(ran).toMatchObject({ code: 3, late: false })
    expect(ran.output).toContain('out\n')
    expect(ran.output).toContain('err\n')
  })

  it('ends what takes too long, with all that it has started', async () => {
    const family = 'sleep 600 & echo pids $$ $! end; wait'
    const ran = await run('sh', ['-c', family], { ...options, limitMs: 2_000 })
    expect(ran).toMatchObject({ code: 1, late: true })
    await gone(pidsIn(ran.output))
  })

  it('fails for a program that is not there', async () => {
    await expect(run('no-such-program-at-all', [], options)).rejects.toThrow('ENOENT')
  })
})

describe('endWithParent', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ])('ends with all that was started at a %s', async (signal, code) => {
    const { child, pids } = await family()
    const exit = new Promise((resolve) => child.once('exit', resolve))
    child.kill(/** @type {NodeJS.Signals} */ (signal))
    expect(await exit).toBe(code)
    await gone(pids)
  })

  it('ends when the process that started it is gone', async () => {
    const { child, pids } = await family({ between: true })
    child.kill('SIGKILL')
    await gone(pids)
  })
})

/**
 * A process that has run something; with `between`, one more between it and this one.
 * @param {{ between?: boolean }} [shape]
 */
async function family({ between = false } = {}) {
  const script = `
    import { endWithParent, run } from ${module}
    endWithParent()
    await run(process.execPath, ['-e', ${JSON.stringify(FAMILY)}], { cwd: '.', limitMs: 60_000, show: true })`
  const args = ['--input-type=module', '-e', script]
  const shown = `require('node:child_process').spawn(process.execPath, ${JSON.stringify(args)}, { stdio: 'inherit' })`
  const child = spawn(process.execPath, between ? ['-e', shown] : args, {
    cwd: tmpdir(),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  for await (const part of child.stdout) {
    output += part
    if (output.includes('end')) break
  }
  return { child, pids: pidsIn(output) }
}

/** @param {string} output */
function pidsIn(output) {
  const [, first, second] = /pids (\d+) (\d+) end/.exec(output) ?? []
  expect(Number(second)).toBeGreaterThan(0)
  return [Number(first), Number(second)]
}

/** @param {readonly number[]} pids */
async function gone(pids) {
  for (const pid of pids) await expect.poll(() => isAlive(pid), { timeout: 30_000 }).toBe(false)
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
