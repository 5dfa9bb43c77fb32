import { endWithParent } from './lib/run.mjs'
import { NotReady, ready, root } from './ready.mjs'
import { START_HELP } from './start-help.mjs'

const parentPid = process.ppid
const say = (/** @type {string} */ line) => process.stdout.write(`${line}\n`)

// Whoever reads the output has gone, as in `npm start | head -5`: then nobody would see how it goes on either.
process.stdout.on('error', () => process.kill(process.pid, 'SIGTERM'))

const args = process.argv.slice(2)
if (args.includes('--help') || args.includes('-h')) {
  process.stdout.write(START_HELP)
  process.exit()
}

const watch = endWithParent()
try {
  await ready(say)
} catch (error) {
  if (!(error instanceof NotReady)) throw error
  say(`It cannot start: ${error.message}`)
  process.exit(1)
}
watch()

const { runStart } = await import('@fractal-lba/local')
process.exit(
  await runStart({
    args,
    env: process.env,
    root,
    parentPid,
    out: (text) => process.stdout.write(text),
  }),
)
