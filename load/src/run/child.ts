import { spawn } from 'node:child_process'

export interface Ended {
  readonly code: number
  /** stdout, and stderr behind it. */
  readonly output: string
}

const OUTPUT_MAX = 2 ** 24

/** Runs a program to its end; ends it when the signal says so. @param onStart gets its process id. */
export function runChild(
  path: string,
  args: readonly string[],
  options: {
    readonly cwd: string
    readonly env: NodeJS.ProcessEnv
    readonly signal: AbortSignal
    readonly onStart?: (pid: number) => void
  },
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const { cwd, env, signal } = options
    const child = spawn(path, args, { cwd, env, signal, stdio: ['ignore', 'pipe', 'pipe'] })
    if (child.pid !== undefined) options.onStart?.(child.pid)
    const parts = { out: '', err: '' }
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (parts.out.length < OUTPUT_MAX) parts.out += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (parts.err.length < OUTPUT_MAX) parts.err += text
    })
    child.once('error', reject)
    child.once('close', (code) => resolve({ code: code ?? 1, output: parts.out + parts.err }))
  })
}
