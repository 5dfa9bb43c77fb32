import { writeSync } from 'node:fs'
import { endWithParent } from './lib/run.mjs'
import { NotReady, ready, root } from './ready.mjs'
import { START_HELP } from './start-help.mjs'

const parentPid = process.ppid
const say = (/** @type {string} */ line) => {
  try {
    writeSync(1, `${line}\n`)
  } catch {
    // A full disk under the output, for instance: lines may be lost, the start goes on.
  }
}

const args = process.argv.slice(2)
if (args.includes('--help') || args.includes('-h')) {
  say(START_HELP.trimEnd())
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
const { LineOutput } = await import('@fractal-lba/runtime')
// Whoever reads the output has gone, as in `npm start | head -5`: then nobody would see how it goes on either.
const output = new LineOutput(1, () => process.kill(process.pid, 'SIGTERM'))
process.exit(
  await runStart({
    args,
    env: process.env,
    root,
    parentPid,
    out: (text) => output.write(text),
  }),
)
