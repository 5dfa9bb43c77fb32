import { mkdir, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'

/**
 * Makes a directory and those above it that are missing. Node's own `recursive` tries for ever where nothing can be
 * made although the directory above is there, as in /proc.
 * @param mode of each that is made
 * @throws an error with a `code`, as mkdir does
 */
export async function makeDirectory(directory: string, mode = 0o777): Promise<void> {
  const target = resolve(directory)
  const missing: string[] = []
  for (let path = target; !(await exists(path)); path = dirname(path)) missing.unshift(path)
  // Where it is there it may be something else than a directory, and mkdir says so.
  for (const path of missing.length > 0 ? missing : [target]) await makeOne(path, mode)
}

async function makeOne(path: string, mode: number): Promise<void> {
  try {
    await mkdir(path, { mode })
  } catch (error) {
    // Another process may have been first.
    if (codeOf(error) === 'EEXIST' && (await stat(path)).isDirectory()) return
    throw error
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (error) {
    const code = codeOf(error)
    if (code === 'ENOENT' || code === 'ENOTDIR') return false
    throw error
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
