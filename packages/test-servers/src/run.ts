import { execFile } from 'node:child_process'

export interface RunOptions {
  readonly env?: NodeJS.ProcessEnv
  readonly cwd?: string
  readonly uid?: number
  readonly gid?: number
  readonly timeoutMs?: number
}

/** What a program may write: the OpenAPI document of a cluster has some megabytes. */
const OUTPUT_BYTES_MAX = 64 * 1_024 * 1_024

/** Runs a program to its end. @returns what it wrote. @throws Error with what it wrote to stderr. */
export function run(
  file: string,
  args: readonly string[],
  { timeoutMs = 30_000, ...options }: RunOptions = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const settings = {
      ...options,
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
      encoding: 'utf8',
      maxBuffer: OUTPUT_BYTES_MAX,
    } as const
    execFile(file, args, settings, (error, stdout, stderr) => {
      if (!error) return resolve(stdout)
      reject(
        new Error(`${file} ${args.join(' ')} failed: ${stderr.trim() || error.message}`, { cause: error }),
      )
    })
  })
}
