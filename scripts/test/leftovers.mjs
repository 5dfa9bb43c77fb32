import { readdirSync, readFileSync } from 'node:fs'

/** The mark of a run: everything that a test starts inherits it. */
export const RUN_VARIABLE = 'FRACTAL_LBA_TEST_RUN'
const LEAVING_MS = 5_000
const POLL_MS = 100

/**
 * The processes that carry the mark of a run and are still there a while after it.
 * @param {string} mark
 * @param {number} [leavingMs] how long they may take to leave
 * @returns {Promise<readonly Leftover[] | undefined>} undefined where the kernel does not tell (no /proc)
 */
export async function leftovers(mark, leavingMs = LEAVING_MS) {
  const deadlineMs = performance.now() + leavingMs
  for (;;) {
    const found = marked(mark)
    if (found === undefined || found.length === 0 || performance.now() > deadlineMs) return found
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}

/**
 * Ends them at once.
 * @param {string} mark
 */
export function endMarked(mark) {
  for (const { pid } of marked(mark) ?? []) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
    }
  }
}

/**
 * @typedef {{ pid: number, command: string }} Leftover
 * @param {string} mark
 * @returns {readonly Leftover[] | undefined}
 */
function marked(mark) {
  const needle = `\0${RUN_VARIABLE}=${mark}\0`
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
      .filter((name) => `\0${contentOf(`/proc/${name}/environ`)}`.includes(needle))
      .map((name) => ({
        pid: Number(name),
        command: contentOf(`/proc/${name}/cmdline`).replaceAll('\0', ' ').trim(),
      }))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

/**
 * @param {string} file
 * @returns {string} nothing for a process that is gone or somebody else's
 */
function contentOf(file) {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    return ''
  }
}
