import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { type DebianProgram, debianProgram } from '@fractal-lba/test-servers'
import type { TestContext } from 'vitest'

const execute = promisify(execFile)
const LIMIT_MS = 60_000

/** What the faults are made with, beside the kernel. */
export const tools = {
  strace: { name: 'strace', debianPackage: 'strace' },
  xfsIo: { name: 'xfs_io', debianPackage: 'xfsprogs' },
  mkfsXfs: { name: 'mkfs.xfs', debianPackage: 'xfsprogs' },
  mkfsExt4: { name: 'mkfs.ext4', debianPackage: 'e2fsprogs' },
  eatmydata: { name: 'eatmydata', debianPackage: 'eatmydata' },
  faketime: { name: 'faketime', debianPackage: 'faketime' },
  prlimit: { name: 'prlimit', debianPackage: 'util-linux' },
} as const satisfies Record<string, DebianProgram>

/** The path of each program. A test that lacks one is skipped, and says by name what it lacks. */
export async function demandTools(context: TestContext, ...wanted: DebianProgram[]): Promise<string[]> {
  const paths: string[] = []
  for (const tool of wanted) {
    const found = await debianProgram(tool)
    if ('missing' in found) context.skip(found.missing)
    else paths.push(found.path)
  }
  return paths
}

/** A test that only root can make is skipped for everybody else, and says why. */
export function demandRoot(context: TestContext, what: string): void {
  if (process.getuid?.() !== 0) context.skip(`only root may ${what}`)
}

/** Runs a program to its end. @returns what it wrote to stdout. @throws Error with what it wrote to stderr. */
export async function run(program: string, ...args: string[]): Promise<string> {
  const { stdout } = await execute(program, args, { timeout: LIMIT_MS, killSignal: 'SIGKILL' })
  return stdout
}
