import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type AppendRates, measureAppends } from './append-rate.js'
import { type FullLog, fillLog } from './full-log.js'
import { measureReading, type ReadRates } from './read-rate.js'
import { measureStart } from './start-time.js'

/** What the log does by itself. */
export interface LogFigures {
  readonly appends: AppendRates
  readonly full: FullLog
  readonly reading: ReadRates
  /** Of a wal process on the full log, each time it was started. */
  readonly startMs: readonly number[]
}

export interface LogBench {
  readonly root: string
  /** Directories of its own are made below it, and removed. */
  readonly dataDir: string
  readonly appenders: number
  readonly signal: AbortSignal
  readonly say: (line: string) => void
}

const LOG_BYTES = 1e9
const APPEND_ROUNDS = 2
const APPEND_ROUND_MS = 2_000
const READ_ROUNDS = 1
const STARTS = 5

export async function benchLog({ root, dataDir, appenders, signal, say }: LogBench): Promise<LogFigures> {
  const place = await mkdtemp(join(dataDir, 'bench-log-'))
  try {
    say('appending to a log, with and without flush')
    const newDirectory = (): Promise<string> => mkdtemp(join(place, 'appends-'))
    const appends = await measureAppends(newDirectory, {
      appenders,
      rounds: APPEND_ROUNDS,
      roundMs: APPEND_ROUND_MS,
    })
    signal.throwIfAborted()
    say(`filling a log of ${LOG_BYTES / 1e6} MB`)
    const directory = await mkdtemp(join(place, 'full-'))
    const full = await fillLog(directory, LOG_BYTES, signal)
    say('reading it')
    const reading = await measureReading(directory, READ_ROUNDS)
    const startMs: number[] = []
    for (let start = 1; start <= STARTS; start += 1) {
      startMs.push(await measureStart(root, directory, signal))
      say(`start ${start}: ready after ${startMs.at(-1)?.toFixed(0)} ms`)
    }
    return { appends, full, reading, startMs }
  } finally {
    await rm(place, { recursive: true, force: true })
  }
}
