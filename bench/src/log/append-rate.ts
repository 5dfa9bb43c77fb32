import { wal } from '@fractal-lba/proto'
import { type Files, nodeFiles, openLog, type RecordLog } from '@fractal-lba/wal'
import { acceptance, submissionBodies } from './product-records.js'
import { unflushedFiles } from './unflushed-files.js'

/** Records per second that so many appenders get into one log, in this process. */
export interface AppendRates {
  readonly appenders: number
  readonly flushed: number
  /** The same without any flush. */
  readonly unflushed: number
}

const SUBMISSION = 1
const MARK = 2
const BODIES = 4_096

/** Rounds with and without flush by turns, each on a log of its own: `newDirectory` gives an empty directory. */
export async function measureAppends(
  newDirectory: () => Promise<string>,
  { appenders, rounds, roundMs }: { appenders: number; rounds: number; roundMs: number },
): Promise<AppendRates> {
  const bodies = submissionBodies(BODIES)
  const flushed: number[] = []
  const unflushed: number[] = []
  // the first pair warms the compilers up
  for (let round = 0; round <= rounds; round += 1) {
    for (const [files, rates] of [
      [nodeFiles, flushed],
      [unflushedFiles, unflushed],
    ] as const) {
      const rate = await appendRate(await newDirectory(), files, bodies, appenders, roundMs)
      if (round > 0) rates.push(rate)
    }
  }
  return { appenders, flushed: mean(flushed), unflushed: mean(unflushed) }
}

async function appendRate(
  directory: string,
  files: Files,
  bodies: readonly Buffer[],
  appenders: number,
  durationMs: number,
): Promise<number> {
  let failure: Error | undefined
  const log = await openLog(directory, {
    files,
    onFatal: (error) => {
      failure = error
    },
  })
  try {
    const beginMs = performance.now()
    const endMs = beginMs + durationMs
    const counts = await Promise.all(
      Array.from({ length: appenders }, (_, place) => appendUntil(log, bodies, place, endMs)),
    )
    if (failure) throw failure
    const records = counts.reduce((sum, count) => sum + count, 0)
    return (1000 * records) / (performance.now() - beginMs)
  } finally {
    await log.close()
  }
}

/** As a record of the product goes: its submission, then its mark. */
async function appendUntil(
  log: RecordLog,
  bodies: readonly Buffer[],
  place: number,
  endMs: number,
): Promise<number> {
  let records = 0
  for (let turn = place; performance.now() < endMs; turn += 1) {
    const body = bodies[turn % bodies.length]
    if (body === undefined) throw new Error('there are no bodies')
    const sequence = await log.append([{ type: SUBMISSION, encoding: 1, body }])
    const mark = wal.Mark.encode(acceptance({ logId: log.logId, sequence }, 'bench')).finish()
    await log.append([{ type: MARK, encoding: 2, body: mark }])
    records += 2
  }
  return records
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
