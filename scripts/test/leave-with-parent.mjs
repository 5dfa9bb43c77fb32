// Ends this process when the one that started it is gone: a test run that is killed leaves nothing behind.
const POLL_MS = 500
const parent = process.ppid
/** @type {typeof globalThis & { leavesWithParent?: boolean }} */
const shared = globalThis

// Vitest loads its set-up files once for each test file, which may be in the same process.
if (!shared.leavesWithParent) {
  shared.leavesWithParent = true
  setInterval(() => {
    if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL')
  }, POLL_MS).unref()
}
