import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { repositoryRoot } from './branch.js'

/** How one run of the command ended. */
export interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** Runs the command as a shell would, with nothing of the product in its environment but what is given. */
export function runPcs(
  args: readonly string[],
  { env = {}, stdin = '' }: { env?: Readonly<Record<string, string>>; stdin?: string } = {},
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const { PATH, HOME } = process.env
    const program = join(repositoryRoot, 'packages/cli/bin/pcs.js')
    const child = spawn(process.execPath, [program, ...args], { env: { PATH, HOME, ...env } })
    let [out, err] = ['', '']
    child.stdout.setEncoding('utf8').on('data', (part: string) => {
      out += part
    })
    child.stderr.setEncoding('utf8').on('data', (part: string) => {
      err += part
    })
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, out, err }))
    child.stdin.end(stdin)
  })
}
