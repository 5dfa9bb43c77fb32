import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { builtPrograms, freePortBlock } from '@fractal-lba/local'
import { BenchFailure } from '../round.js'

const LOOK_MS = 20
const LIMIT_MS = 60_000
const MACHINE_VARIABLES = ['PATH', 'HOME', 'LANG', 'TZ']

/** From the start of a wal process on that directory until its /ready says yes, milliseconds. */
export async function measureStart(root: string, directory: string, signal: AbortSignal): Promise<number> {
  const program = builtPrograms(root).find(({ name }) => name === 'wal')
  if (!program) throw new Error('there is no program wal')
  const block = await freePortBlock()
  const ops = `127.0.0.1:${block.base + 1_002}`
  const inherited = MACHINE_VARIABLES.map((name) => [name, process.env[name]])
  const env = {
    ...Object.fromEntries(inherited),
    WAL_DIR: directory,
    GRPC_ADDR: `127.0.0.1:${block.base + 2}`,
    METRICS_ADDR: ops,
    LOG_LEVEL: 'warn',
  }
  const startMs = performance.now()
  const child = spawn(process.execPath, [program.main], {
    cwd: root,
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const ended = once(child, 'exit')
  try {
    while (!(await isReady(`http://${ops}/ready`))) {
      const tookMs = performance.now() - startMs
      if (signal.aborted || tookMs > LIMIT_MS || child.exitCode !== null) {
        throw new BenchFailure(`the wal was not ready after ${tookMs.toFixed(0)} ms`)
      }
      await sleep(LOOK_MS)
    }
    return performance.now() - startMs
  } finally {
    child.kill('SIGKILL')
    await ended
    await block.release()
  }
}

async function isReady(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok
  } catch {
    // Nobody listens there yet: that is what is waited for.
    return false
  }
}
