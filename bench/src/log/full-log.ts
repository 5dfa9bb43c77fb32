import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { DirectoryLog } from '@fractal-lba/wal-service'
import { acceptance, submissionBodies, submissionItem } from './product-records.js'
import { unflushedFiles } from './unflushed-files.js'

const GENERATION = 'bench'
const BODIES = 4_096
const AT_ONCE = 256

/** A log as a running product leaves it. */
export interface FullLog {
  readonly submissions: number
  readonly sizeBytes: number
  /** Of one submission and its mark, on the disk. */
  readonly bytesPerSubmission: number
}

/**
 * Fills a log with accepted submissions and their marks until it is that long. Flushed at the end, so that nothing is
 * still being written while something is measured on it; it stays in the page cache.
 */
export async function fillLog(directory: string, sizeBytes: number, signal: AbortSignal): Promise<FullLog> {
  const full = await fill(directory, sizeBytes, signal)
  await flushFiles(directory)
  return full
}

async function fill(directory: string, sizeBytes: number, signal: AbortSignal): Promise<FullLog> {
  let failure: Error | undefined
  const log = await DirectoryLog.open(
    { directory, openMax: 10 * AT_ONCE, liveLeaseMs: 0, replayTries: 5 },
    {
      files: unflushedFiles,
      onFatal: (error) => {
        failure = error
      },
    },
  )
  try {
    await log.fence(GENERATION)
    const items = submissionBodies(BODIES).map(submissionItem)
    let submissions = 0
    while (log.sizeBytes < sizeBytes) {
      signal.throwIfAborted()
      if (failure) throw failure
      const start = submissions % BODIES
      const positions = await log.append(items.slice(start, start + AT_ONCE))
      const marks = positions.map((position) => acceptance(position, GENERATION))
      await log.mark(marks.map((mark) => ({ logId: log.logId, mark })))
      submissions += positions.length
    }
    return { submissions, sizeBytes: log.sizeBytes, bytesPerSubmission: log.sizeBytes / submissions }
  } finally {
    await log.close()
  }
}

async function flushFiles(directory: string): Promise<void> {
  for (const { parentPath, name } of await readdir(directory, { withFileTypes: true })) {
    if (!name.endsWith('.seg')) continue
    const file = await open(join(parentPath, name), 'r+')
    try {
      await file.sync()
    } finally {
      await file.close()
    }
  }
}
