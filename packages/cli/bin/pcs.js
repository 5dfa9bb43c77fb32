#!/usr/bin/env node
// Committed, so that npm can link it before the first build: without the link, `npx pcs` would ask the
// registry for a stranger's package of that name.
import { existsSync } from 'node:fs'

const program = new URL('../dist/cli.js', import.meta.url)
if (existsSync(program)) {
  await import(program.href)
} else {
  process.stderr.write('pcs: it is not built yet: run npm run build in the root of the project\n')
  process.exitCode = 2
}
