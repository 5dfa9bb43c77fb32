import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { debianProgram } from '@fractal-lba/test-servers'

const execute = promisify(execFile)

/** The wall clock of a process, and only that, under our hand. */
export interface FakeClock {
  readonly env: Readonly<Record<string, string>>
  set(aheadSeconds: number): void
}

/** @param file says how far ahead it is. @returns undefined where libfaketime cannot be had */
export async function fakeClock(file: string): Promise<FakeClock | undefined> {
  const found = await debianProgram({ name: 'faketime', debianPackage: 'faketime' })
  if ('missing' in found) return undefined
  const { stdout } = await execute(found.path, ['-f', '+0', 'printenv', 'LD_PRELOAD'])
  const set = (aheadSeconds: number): void => writeFileSync(file, `+${aheadSeconds}s\n`)
  set(0)
  const env = {
    LD_PRELOAD: stdout.trim(),
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_CACHE_DURATION: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  }
  return { env, set }
}
