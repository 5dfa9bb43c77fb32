// A variant of the log that takes it for granted that a write has written everything.
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

const { write } = fs

/** @param {any[]} args */
const writeUnchecked = (...args) => {
  const [fd, buffer, offset, length, position, done] = args
  write(fd, buffer, offset, length, position, (error, _written, given) => done(error, length, given))
}

fs.write = Object.assign(writeUnchecked, { __promisify__: write.__promisify__ })
syncBuiltinESMExports()
