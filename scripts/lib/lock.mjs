import { linkSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs'

const POLL_MS = 200

/**
 * Does something that no other process may do at the same time in this checkout. The lock is a file with the
 * pid of its holder; one whose holder is gone is taken over.
 * @template Result
 * @param {string} file
 * @param {{ onWait: (pid: number) => void, limitMs: number }} options
 * @param {() => Promise<Result>} action
 * @returns {Promise<Result>}
 */
export async function withLock(file, { onWait, limitMs }, action) {
  const deadlineMs = performance.now() + limitMs
  let told = false
  while (!take(file)) {
    const holder = holderOf(file)
    if (holder === undefined) continue
    if (!isAlive(holder)) {
      remove(file)
      continue
    }
    if (performance.now() > deadlineMs) throw new Error(`process ${holder} has not let go of ${file} in time`)
    if (!told) onWait(holder)
    told = true
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
  try {
    return await action()
  } finally {
    remove(file)
  }
}

/**
 * Linked into its place whole: nobody ever reads a lock without its pid.
 * @param {string} file
 */
function take(file) {
  const own = `${file}.${process.pid}`
  writeFileSync(own, String(process.pid))
  try {
    linkSync(own, file)
    return true
  } catch (error) {
    if (isCode(error, 'EEXIST')) return false
    throw error
  } finally {
    unlinkSync(own)
  }
}

/**
 * @param {string} file
 * @returns {number | undefined} undefined when it was let go in the meantime
 */
function holderOf(file) {
  try {
    return Number(readFileSync(file, 'utf8'))
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined
    throw error
  }
}

/** @param {string} file */
function remove(file) {
  try {
    unlinkSync(file)
  } catch (error) {
    if (!isCode(error, 'ENOENT')) throw error
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it is there, and somebody else's.
    return !isCode(error, 'ESRCH')
  }
}

/**
 * @param {unknown} error
 * @param {string} code
 */
function isCode(error, code) {
  return error instanceof Error && 'code' in error && error.code === code
}
