import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { NotReady, ready, root } from './ready.mjs'

// npm run generate:chart: writes what the chart says of its values, and its copies of observability/.
const say = (/** @type {string} */ line) => process.stdout.write(`${line}\n`)

try {
  await ready(say)
  // Not before: it needs packages that a fresh clone does not have.
  const { chartFiles } = await import('./chart/files.mjs')
  for (const [path, text] of await chartFiles(root)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
    say(path)
  }
} catch (error) {
  if (!(error instanceof NotReady) && !(error instanceof Error)) throw error
  say(error.message)
  process.exit(1)
}
process.exit()
