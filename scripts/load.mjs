import { endWithParent } from './lib/run.mjs'
import { NotReady, ready, root } from './ready.mjs'

const parentPid = process.ppid
const err = (/** @type {string} */ text) => process.stderr.write(text)

const watch = endWithParent()
try {
  await ready((line) => err(`${line}\n`))
} catch (error) {
  if (!(error instanceof NotReady)) throw error
  err(`It cannot start: ${error.message}\n`)
  process.exit(1)
}
watch()

const { runLoad } = await import('@fractal-lba/load')
process.exitCode = await runLoad({
  args: process.argv.slice(2),
  env: process.env,
  root,
  parentPid,
  out: (text) => process.stdout.write(text),
  err,
})
