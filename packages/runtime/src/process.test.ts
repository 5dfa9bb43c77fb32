import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, existsSync, openSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** A process of its own that runs this code inside runProcess' `start`, under a supervisor's channel. */
function underSupervisor(
  start: string,
  stopMsMax: number,
  { output = 'pipe', before = '' }: { output?: 'pipe' | number; before?: string } = {},
): ChildProcess {
  const code = `
    ${before}
    import { readCommonConfig, runProcess } from '@fractal-lba/runtime'
    await runProcess('tested', readCommonConfig, async (_config, { logger, registry }) => { ${start} }, ${stopMsMax})`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', code], {
    cwd: ROOT,
    env: { PATH: process.env.PATH },
    stdio: ['ignore', output, output, 'ipc'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

function ended(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => child.on('exit', (code, signal) => resolve(signal ?? `code ${code}`)))
}

function told(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve) => child.once('message', resolve))
}

const HANGS = 'setInterval(() => {}, 1_000); process.send?.("begun"); await new Promise(() => {})'

describe('a process whose supervisor ends', () => {
  it('ends also while it is still starting', async () => {
    const child = underSupervisor(HANGS, 60_000)
    expect(await told(child)).toBe('begun')
    const end = ended(child)
    child.disconnect()
    expect(await end).toBe('code 0')
  })

  it.each(['disconnect', 'SIGTERM'])('is killed when its stop hangs (%s)', async (how) => {
    const child = underSupervisor(
      `return { stop: () => { setInterval(() => {}, 1_000); return new Promise(() => {}) } }`,
      300,
    )
    expect(await told(child)).toBe('started')
    const end = ended(child)
    if (how === 'disconnect') child.disconnect()
    else child.kill('SIGTERM')
    expect(await end).toBe('SIGKILL')
  })

  it('ends after a fatal error though nobody reads its lines any more', async () => {
    // Two lines at once: the first is still being written when the fatal one comes.
    const child = underSupervisor(`return { stop: async () => { throw new Error('boom') } }`, 60_000)
    expect(await told(child)).toBe('started')
    const end = ended(child)
    child.stdout?.destroy()
    child.stderr?.destroy()
    child.disconnect()
    expect(await end).toBe('code 1')
  })

  it('stops in peace when the supervisor ends just before it hears of the start', async () => {
    const child = underSupervisor('process.disconnect(); return { stop: async () => {} }', 60_000)
    expect(await ended(child)).toBe('code 0')
  })

  it('ends when the supervisor has ended before it could listen', async () => {
    const child = underSupervisor('setInterval(() => {}, 1_000); return { stop: async () => {} }', 60_000, {
      before: 'process.disconnect(); await new Promise((resolve) => setTimeout(resolve, 50))',
    })
    expect(await ended(child)).toBe('code 0')
  })

  it('stops in peace', async () => {
    const child = underSupervisor('return { stop: async () => {} }', 60_000)
    expect(await told(child)).toBe('started')
    const end = ended(child)
    child.disconnect()
    expect(await end).toBe('code 0')
  })
})

describe('a process whose standard output is on a full disk', () => {
  it('goes on, and counts the lines that are lost', async () => {
    const full = openSync('/dev/full', 'w')
    onTestFinished(() => closeSync(full))
    const child = underSupervisor(
      `logger.warn('one'); logger.error('two')
       process.send(await registry.getSingleMetricAsString('log_lines_lost_total'))
       return { stop: async () => {} }`,
      60_000,
      { output: full },
    )
    const end = ended(child)
    const metric = await Promise.race([told(child), end])
    expect(metric).toMatch(/^log_lines_lost_total 2$/m)
    child.disconnect()
    expect(await end).toBe('code 0')
  })

  it('ends with the code of its mistake', async () => {
    const full = openSync('/dev/full', 'w')
    onTestFinished(() => closeSync(full))
    const child = underSupervisor(
      `const { StartError } = await import('@fractal-lba/runtime'); throw new StartError('no')`,
      60_000,
      { output: full },
    )
    expect(await ended(child)).toBe('code 69')
  })
})

describe('a process at SIGUSR2', () => {
  it('writes debug lines too, and at the next one no more', async () => {
    const child = underSupervisor(
      `process.on('SIGUSR2', () => logger.debug('detail')); return { stop: async () => {} }`,
      60_000,
    )
    let output = ''
    child.stdout?.setEncoding('utf8').on('data', (part: string) => {
      output += part
    })
    const messages = () => [...output.matchAll(/"msg":"([^"]*)"/g)].map(([, message]) => message)
    expect(await told(child)).toBe('started')
    child.kill('SIGUSR2')
    const debug = 'lines are written from level debug on (SIGUSR2)'
    await expect.poll(messages, { timeout: 5_000 }).toEqual(['started', debug, 'detail'])
    child.kill('SIGUSR2')
    const info = 'lines are written from level info on (SIGUSR2)'
    await expect.poll(messages, { timeout: 5_000 }).toEqual(['started', debug, 'detail', info])
    child.disconnect()
    await ended(child)
  })
})

/** Of util-linux: runs a command on a terminal of its own. */
const SCRIPT = '/usr/bin/script'

describe.skipIf(!existsSync(SCRIPT))('a process on a terminal', () => {
  it('writes lines for a person', async () => {
    const code =
      "import { createLogger } from '@fractal-lba/runtime'; createLogger('wal', 'info').warn({ open: 3 }, 'slow')"
    const command = `${process.execPath} --input-type=module --eval "${code}"`
    const child = spawn(SCRIPT, ['-qec', command, '/dev/null'], {
      cwd: ROOT,
      env: { PATH: process.env.PATH },
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (part: string) => {
      output += part
    })
    await ended(child)
    expect(output).toMatch(/^\d\d:\d\d:\d\d wal {12}warn {2}slow open=3\r?\n$/)
  })
})
