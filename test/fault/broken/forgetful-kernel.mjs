// Not a variant of the log but a fault under it: one flush fails, and what was to be flushed is gone, as when the
// kernel drops the pages that it could not write. The next flush says OK.
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

const failing = Number(process.env.FAULT_FLUSH)
const { fdatasync, write } = fs
/** @type {Map<number, { position: number, length: number }[]>} */
const unflushed = new Map()
let flushes = 0

/** @type {(fd: number, buffer: Buffer, offset: number, length: number, position: number, done: () => void) => void} */
const noteWrite = (fd, buffer, offset, length, position, done) => {
  unflushed.set(fd, [...(unflushed.get(fd) ?? []), { position, length }])
  write(fd, buffer, offset, length, position, done)
}

fs.write = Object.assign(noteWrite, { __promisify__: write.__promisify__ })
fs.fdatasync = Object.assign(
  (/** @type {number} */ fd, /** @type {fs.NoParamCallback} */ done) => {
    flushes += 1
    const lost = unflushed.get(fd) ?? []
    unflushed.delete(fd)
    if (flushes !== failing) {
      fdatasync(fd, done)
      return
    }
    for (const { position, length } of lost) fs.writeSync(fd, Buffer.alloc(length), 0, length, position)
    setImmediate(done, Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO' }))
  },
  { __promisify__: fdatasync.__promisify__ },
)
syncBuiltinESMExports()
