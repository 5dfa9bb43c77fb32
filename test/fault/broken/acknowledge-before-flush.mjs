// A variant of the log that says "flushed" at once and flushes a moment later.
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

const LATER_MS = 2_000
const { fdatasync } = fs

fs.fdatasync = Object.assign(
  (/** @type {number} */ fd, /** @type {fs.NoParamCallback} */ done) => {
    setTimeout(() => fdatasync(fd, () => undefined), LATER_MS)
    setImmediate(done, null)
  },
  { __promisify__: fdatasync.__promisify__ },
)
syncBuiltinESMExports()
