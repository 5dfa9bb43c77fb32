// Not a variant of the log but a fault under it: every third write takes only a part of what it is given, and says
// so, as POSIX allows.
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

const { write } = fs
let writes = 0

/** @type {(fd: number, buffer: Buffer, offset: number, length: number, position: number, done: () => void) => void} */
const writeLess = (fd, buffer, offset, length, position, done) => {
  writes += 1
  const taken = writes % 3 === 0 ? Math.ceil(length / 2) : length
  write(fd, buffer, offset, taken, position, done)
}

fs.write = Object.assign(writeLess, { __promisify__: write.__promisify__ })
syncBuiltinESMExports()
