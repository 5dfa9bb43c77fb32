import { MalformedRecord, type Pcs, parseRecord } from '@fractal-lba/pcs'
import type { Terminal } from './command.js'
import { Failure } from './failure.js'
import { inputName, readInput } from './files.js'

/** Beyond what a gateway takes (64 KiB), so that its own answer to a record too large can be seen. */
export const RECORD_BYTES_MAX = 1024 * 1024

/**
 * Reads and checks a record.
 * @throws Failure that lists all that is wrong with it, each with its JSON pointer
 */
export async function readRecord(path: string, terminal: Terminal): Promise<{ bytes: Buffer; record: Pcs }> {
  const bytes = await readInput(path, RECORD_BYTES_MAX, terminal)
  try {
    return { bytes, record: parseRecord(bytes) }
  } catch (error) {
    if (error instanceof MalformedRecord) throw malformed(`${inputName(path)} is not a valid record`, error)
    throw error
  }
}

/** The errors of a record as a sentence and one indented line for each. */
export function malformed(sentence: string, error: MalformedRecord): Failure {
  const lines = error.errors.map(({ pointer, detail }) => `  ${pointer || '(the whole record)'}: ${detail}`)
  return new Failure([`${sentence}:`, ...lines].join('\n'), undefined, { cause: error })
}
