import { endWithParent } from './lib/run.mjs'
import { NotReady, ready, root } from './ready.mjs'

const parentPid = process.ppid
const say = (/** @type {string} */ line) => process.stdout.write(`${line}\n`)
const args = process.argv.slice(2)
const watch = endWithParent()
try {
  await ready(say)
  watch()
  const { OBSERVE_HELP, runObserve } = await import('@fractal-lba/observability')
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(OBSERVE_HELP)
    process.exit()
  }
  const out = (/** @type {string} */ text) => process.stdout.write(text)
  process.exit(await runObserve({ args, env: process.env, root, parentPid, out }))
} catch (error) {
  if (!(error instanceof NotReady) && !(error instanceof Error)) throw error
  say(`It cannot start: ${error.message}`)
  process.exit(1)
}
