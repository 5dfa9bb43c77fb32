// A variant of the log that flushes again after a flush has failed, and believes what that says.
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

const { fdatasync } = fs

fs.fdatasync = Object.assign(
  (/** @type {number} */ fd, /** @type {fs.NoParamCallback} */ done) => {
    fdatasync(fd, (error) => (error ? fdatasync(fd, done) : done(null)))
  },
  { __promisify__: fdatasync.__promisify__ },
)
syncBuiltinESMExports()
