import { relative } from 'node:path'
import { NotReady, ready, root } from './ready.mjs'

const say = (/** @type {string} */ line) => process.stdout.write(`${line}\n`)

try {
  await ready(say)
  const { GENERATE_HELP, generate } = await import('@fractal-lba/observability')
  const args = process.argv.slice(2)
  if (args.includes('--help') || args.includes('-h')) process.stdout.write(GENERATE_HELP)
  else for (const file of generate(root, args)) say(relative(root, file))
} catch (error) {
  if (!(error instanceof NotReady) && !(error instanceof Error)) throw error
  say(error.message)
  process.exit(1)
}
