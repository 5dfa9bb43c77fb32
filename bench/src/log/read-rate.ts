import { openLog } from '@fractal-lba/wal'

/** How fast a log is read again by the process that has it. */
export interface ReadRates {
  readonly records: number
  /** Records per second while it is opened: every CRC32C and the hash chain are checked. */
  readonly opening: number
  /** Records per second of a reader from the first to the last: every CRC32C and body digest are checked. */
  readonly reading: number
}

/** @param rounds of reading; the log is opened once for each */
export async function measureReading(directory: string, rounds: number): Promise<ReadRates> {
  let [records, openingMs, readingMs] = [0, 0, 0]
  for (let round = 0; round < rounds; round += 1) {
    const openMs = performance.now()
    const log = await openLog(directory, {
      onFatal: (error) => {
        throw error
      },
    })
    const readMs = performance.now()
    let read = 0
    for await (const batch of log.read(1)) read += batch.length
    const endMs = performance.now()
    await log.close()
    records += read
    openingMs += readMs - openMs
    readingMs += endMs - readMs
  }
  return {
    records: records / rounds,
    opening: (1000 * records) / openingMs,
    reading: (1000 * records) / readingMs,
  }
}
