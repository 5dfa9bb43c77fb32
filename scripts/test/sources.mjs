import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../lib/run.mjs'

const LIMIT_MS = 30_000

/**
 * @typedef {object} Source
 * @property {string} path from the root, with slashes
 * @property {string} text
 */

/**
 * The files of the checkout that people write as code: tracked ones, and new ones that are not ignored.
 * @param {string} root
 * @param {(path: string) => boolean} [isWanted]
 * @returns {Promise<readonly Source[]>}
 */
export async function sources(root, isWanted = isWritten) {
  const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--deduplicate']
  const { code, output } = await run('git', args, { cwd: root, limitMs: LIMIT_MS })
  if (code !== 0) throw new Error(`git ls-files failed: ${output}`)
  return output
    .split('\0')
    .filter((path) => isWanted(path) && existsSync(join(root, path)))
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))
}

/** @param {string} path */
function isWritten(path) {
  const isCode = /\.(ts|mts|cts|js|mjs|cjs|proto|sh)$/.test(path) || path === '.ci/run'
  return isCode && !path.startsWith('packages/proto/src/gen/') && !path.startsWith('proto/google/')
}
