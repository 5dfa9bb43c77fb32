import { execFile } from 'node:child_process'

export interface RunOptions {
  readonly env?: NodeJS.ProcessEnv
  readonly cwd?: string
  readonly uid?: number
  readonly gid?: number
  readonly timeoutMs?: number
}

/** Runs a program to its end. @returns what it wrote. @throws Error with what it wrote to stderr. */
export function run(
  file: string,
  args: readonly string[],
  { timeoutMs = 30_000, ...options }: RunOptions = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const settings = { ...options, timeout: timeoutMs, killSignal: 'SIGKILL', encoding: 'utf8' } as const
    execFile(file, args, settings, (error, stdout, stderr) => {
      if (!error) return resolve(stdout)
      reject(
        new Error(`${file} ${args.join(' ')} failed: ${stderr.trim() || error.message}`, { cause: error }),
      )
    })
  })
}
