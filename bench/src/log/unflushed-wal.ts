// The wal service as it is, but its flushes do nothing: for the bench alone, which asks what flushing costs.
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

const main = process.env.BENCH_WAL_MAIN
if (main === undefined) throw new Error('BENCH_WAL_MAIN is not set')

const fdatasync = (_fd: number, done: (error: Error | null) => void): void => queueMicrotask(() => done(null))
Object.assign(fs, { fdatasync })
syncBuiltinESMExports()
await import(main)
