import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from '../lib/run.mjs'
import { RUN_VARIABLE } from './leftovers.mjs'

/**
 * Runs the tests of one configuration of vitest, showing its output.
 * @param {string} root
 * @param {{ config: string, args: readonly string[], mark: string, logDir: string, limitMs: number, isLong?: boolean }} options
 *   `mark` is carried by every process of the run; the processes of the product write their lines below `logDir`
 * @returns {Promise<import('./summary-reporter.mjs').Summary>}
 */
export async function runVitest(root, { config, args, mark, logDir, limitMs, isLong = false }) {
  const place = mkdtempSync(join(tmpdir(), 'fractal-lba-vitest-'))
  const summaryFile = join(place, 'summary.json')
  try {
    const command = [
      '--import',
      join(root, 'scripts/test/leave-with-parent.mjs'),
      join(root, 'node_modules/vitest/vitest.mjs'),
      'run',
      '--root',
      root,
      '--config',
      config,
      '--reporter',
      'default',
      '--reporter',
      join(root, 'scripts/test/summary-reporter.mjs'),
      '--silent=passed-only',
      '--passWithNoTests',
      ...args,
    ]
    const env = {
      ...process.env,
      TEST_SUMMARY_FILE: summaryFile,
      TEST_LOG_DIR: logDir,
      [RUN_VARIABLE]: mark,
      ...(isLong ? { FLK_LONG: '1' } : {}),
    }
    const { code, late } = await run(process.execPath, command, { cwd: root, limitMs, env, show: true })
    if (late) process.stdout.write(`it was ended after ${limitMs / 60_000} minutes\n`)
    return summary(summaryFile, code)
  } finally {
    rmSync(place, { recursive: true, force: true })
  }
}

/**
 * @param {string} file
 * @param {number} code the exit code of vitest
 * @returns {import('./summary-reporter.mjs').Summary}
 */
function summary(file, code) {
  try {
    const found = JSON.parse(readFileSync(file, 'utf8'))
    // Something that no test has to answer for, such as a worker that did not end.
    return code !== 0 && found.failed === 0 ? { ...found, failed: 1 } : found
  } catch {
    // It did not come to its end.
    return { passed: 0, failed: 1, skipped: [] }
  }
}
