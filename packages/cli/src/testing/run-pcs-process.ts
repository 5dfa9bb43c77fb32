import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Run, RunOptions } from './run-pcs.js'

const program = fileURLToPath(new URL('../../bin/pcs.js', import.meta.url))

/** Runs the built command as a process of its own, with nothing in its environment but what is given. */
export function runPcsProcess(
  args: readonly string[],
  { env = {}, stdin = '' }: RunOptions = {},
): Promise<Run> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...args], { env })
    const out: Buffer[] = []
    const err: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk))
    child.on('error', reject)
    // A command that fails early may leave its input unread.
    child.stdin.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') reject(error)
    })
    child.on('close', (code) => {
      resolve({ code, out: Buffer.concat(out).toString(), err: Buffer.concat(err).toString() })
    })
    child.stdin.end(stdin)
  })
}
