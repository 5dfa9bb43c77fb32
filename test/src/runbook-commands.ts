import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { repositoryRoot } from './branch.js'

const RUNBOOKS = join(repositoryRoot, 'docs/runbooks')
/** A fence of shell with what its first line says behind the language. */
const SHELL_FENCE = /^```sh(?: ([^\n]*))?\n(.*?)^```$/gms
const EXIT = /\bexit=(\d+)\b/
const LIMIT_MS = 30_000

/** Commands of a runbook that stand together. */
export interface RunbookCommands {
  readonly runbook: string
  readonly text: string
  /** The exit code that the fence states, else 0. */
  readonly exitCode: number
}

/**
 * The commands of all runbooks that are marked so.
 * @param kind the first word behind `sh`: run, prometheus, …
 */
export function runbookCommands(kind: string): readonly RunbookCommands[] {
  const files = readdirSync(RUNBOOKS).filter((name) => name.endsWith('.md'))
  return files.sort().flatMap((runbook) => {
    const markdown = readFileSync(join(RUNBOOKS, runbook), 'utf8')
    return [...markdown.matchAll(SHELL_FENCE)].flatMap(([, words = '', text = '']) =>
      words.split(' ')[0] === kind ? [{ runbook, text, exitCode: Number(EXIT.exec(words)?.[1] ?? 0) }] : [],
    )
  })
}

/**
 * Runs commands as they stand; the first that fails ends them.
 * @param programs a directory whose programs come before all others
 * @returns exit code and all that they have written
 */
export function runCommands(
  text: string,
  env: Readonly<Record<string, string>>,
  programs: string,
): Promise<{ readonly code: number | null; readonly output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn('bash', ['-euo', 'pipefail', '-c', text], {
      cwd: repositoryRoot,
      env: { HOME: process.env.HOME, ...env, PATH: `${programs}:${process.env.PATH}` },
      timeout: LIMIT_MS,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (part: string) => {
        output += part
      })
    }
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, output }))
  })
}
