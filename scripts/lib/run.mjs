import { spawn } from 'node:child_process'

/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set()
/** This process is on its way out: what waits for a program waits for ever, so that nothing goes on after it. */
let ending = false

/**
 * @typedef {object} Ran
 * @property {number} code the exit code; 1 when a signal or the limit ended it
 * @property {boolean} late the limit ended it
 * @property {string} output what it wrote, where it was not shown at once
 */

/**
 * Runs a program to its end, within a limit. It gets a process group of its own, so that it can be ended with
 * all that it has started.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd: string, limitMs: number, env?: NodeJS.ProcessEnv, show?: boolean }} options `show` lets it
 *   write to this terminal instead of keeping its output
 * @returns {Promise<Ran>}
 */
export function run(command, args, { cwd, limitMs, env = process.env, show = false }) {
  return new Promise((resolve, reject) => {
    const output = show ? 'inherit' : 'pipe'
    const child = spawn(command, args, { cwd, env, detached: true, stdio: ['ignore', output, output] })
    running.add(child)
    /** @type {string[]} */
    const parts = []
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8')
      stream?.on('data', (part) => parts.push(part))
    }
    let late = false
    const limit = setTimeout(() => {
      late = true
      endGroup(child, 'SIGKILL')
    }, limitMs)
    child.once('error', (error) => {
      running.delete(child)
      clearTimeout(limit)
      reject(error)
    })
    child.once('close', (code) => {
      running.delete(child)
      clearTimeout(limit)
      if (!ending) resolve({ code: code ?? 1, late, output: parts.join('') })
    })
  })
}

/**
 * @param {import('node:child_process').ChildProcess} child
 * @param {NodeJS.Signals} signal
 */
function endGroup({ pid }, signal) {
  if (pid === undefined) return
  try {
    process.kill(-pid, signal)
  } catch (error) {
    // All of the group has ended by itself.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

const SIGNAL_NUMBERS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 }
const PARENT_POLL_MS = 500
const GRACE_MS = 3_000

/**
 * From now on this process ends, with everything that `run` has started, when it gets a signal or when the
 * process that started it is gone.
 * @param {() => void} [beforeExit] the last thing that is done
 * @returns {() => void} takes it back
 */
export function endWithParent(beforeExit = () => {}) {
  const parent = process.ppid
  /** @param {number} code */
  const end = async (code) => {
    if (ending) return
    ending = true
    for (const child of running) endGroup(child, 'SIGTERM')
    const deadlineMs = performance.now() + GRACE_MS
    while (running.size > 0 && performance.now() < deadlineMs) {
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    for (const child of running) endGroup(child, 'SIGKILL')
    beforeExit()
    process.exit(code)
  }
  const handlers = Object.entries(SIGNAL_NUMBERS).map(([signal, number]) => ({
    signal,
    handler: () => void end(128 + number),
  }))
  for (const { signal, handler } of handlers) process.on(signal, handler)
  const poll = setInterval(() => {
    if (process.ppid !== parent) void end(1)
  }, PARENT_POLL_MS)
  poll.unref()
  return () => {
    clearInterval(poll)
    for (const { signal, handler } of handlers) process.off(signal, handler)
  }
}
