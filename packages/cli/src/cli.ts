#!/usr/bin/env node
import { pcs } from './pcs.js'

// A reader that leaves early, as in `pcs --help | head -1`, is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit()
})

process.exitCode = await pcs(process.argv.slice(2), {
  variables: process.env,
  stdin: process.stdin,
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  drawable: process.stderr.isTTY === true,
})
