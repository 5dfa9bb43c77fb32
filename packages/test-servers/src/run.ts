import { execFile } from 'node:child_process'

export interface RunOptions {
  readonly env?: NodeJS.ProcessEnv
  readonly cwd?: string
  readonly uid?: number
  readonly gid?: number
  readonly timeoutMs?: number
  /** A failure shows the end of what it wrote on stdout too: builds say there what is wrong. */
  readonly tellsOnStdout?: boolean
}

const STDOUT_SHOWN_CHARACTERS = 4_000

/** What a program may write: the OpenAPI document of a cluster has some megabytes. */
const OUTPUT_BYTES_MAX = 64 * 1_024 * 1_024

/** Runs a program to its end. @returns what it wrote. @throws Error with what it wrote to stderr. */
export function run(
  file: string,
  args: readonly string[],
  { timeoutMs = 30_000, tellsOnStdout = false, ...options }: RunOptions = {},
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
      const told = tellsOnStdout ? `\n${stdout.slice(-STDOUT_SHOWN_CHARACTERS).trim()}` : ''
      const reason = `${stderr.trim() || error.message}${told}`
      reject(new Error(`${file} ${args.join(' ')} failed: ${reason}`, { cause: error }))
    })
  })
}
