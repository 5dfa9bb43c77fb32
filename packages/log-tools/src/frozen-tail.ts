import type { OpenFile } from '@fractal-lba/wal'

/** An open file that nobody writes to. */
export type ReadableFile = Pick<OpenFile, 'read' | 'size' | 'close'>

const STEP_BYTES = 1 << 20

/**
 * The segment that is appended to, as it is now: what is written after the last byte that is not zero is not seen.
 * A log is written in order, so what is seen ends in whole groups, or in a part of the one that is being written,
 * and never has a hole that a later group follows: reading it while it grows would find such holes.
 */
export async function frozenTail(file: ReadableFile): Promise<ReadableFile> {
  const end = await endOfContent(file)
  return {
    async read(target, position) {
      const read = await file.read(target, position)
      if (position + read > end) target.fill(0, Math.max(0, end - position), read)
      return read
    },
    size: () => file.size(),
    close: () => file.close(),
  }
}

/** Looked for from the end on, where an active segment holds zeros. */
async function endOfContent(file: ReadableFile): Promise<number> {
  const buffer = Buffer.alloc(STEP_BYTES)
  for (let end = await file.size(); end > 0; end -= STEP_BYTES) {
    const start = Math.max(0, end - STEP_BYTES)
    const part = buffer.subarray(0, end - start)
    const read = await file.read(part, start)
    const last = lastNonZero(part.subarray(0, read))
    if (last >= 0) return start + last + 1
  }
  return 0
}

const ZEROS = Buffer.alloc(STEP_BYTES)

function lastNonZero(bytes: Buffer): number {
  if (bytes.equals(ZEROS.subarray(0, bytes.length))) return -1
  let index = bytes.length - 1
  while (index >= 0 && bytes[index] === 0) index--
  return index
}
