import { open, writeFile } from 'node:fs/promises'
import { printable } from '@fractal-lba/runtime/text'
import type { Terminal } from './command.js'
import { EXIT, Failure } from './failure.js'

/** What stands for the standard streams where a file is due. */
export const STANDARD_STREAM = '-'

/** How errors name an input. */
export function inputName(path: string): string {
  return path === STANDARD_STREAM ? 'standard input' : printable(path)
}

/**
 * All bytes of a file, or of the standard input for `-`.
 * @throws Failure when it cannot be read or holds more than `sizeBytesMax`
 */
export async function readInput(path: string, sizeBytesMax: number, terminal: Terminal): Promise<Buffer> {
  try {
    if (path === STANDARD_STREAM) return await collect(terminal.stdin, path, sizeBytesMax)
    const file = await open(path)
    try {
      return await collect(file.createReadStream({ autoClose: false }), path, sizeBytesMax)
    } finally {
      await file.close()
    }
  } catch (error) {
    throw fileFailure(`cannot read ${inputName(path)}`, error)
  }
}

/**
 * Writes a text to a file, or to the standard output for `-`.
 * @throws Failure when the file cannot be written
 */
export async function writeOutput(path: string, text: string, terminal: Terminal): Promise<void> {
  if (path === STANDARD_STREAM) {
    terminal.out(text)
    return
  }
  try {
    await writeFile(path, text)
  } catch (error) {
    throw fileFailure(`cannot write ${printable(path)}`, error)
  }
}

async function collect(
  stream: AsyncIterable<Uint8Array>,
  path: string,
  sizeBytesMax: number,
): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let sizeBytes = 0
  for await (const chunk of stream) {
    sizeBytes += chunk.length
    if (sizeBytes > sizeBytesMax) {
      throw new Failure(`${inputName(path)} holds more than ${sizeBytesMax} bytes`)
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  EACCES: 'permission denied',
  EISDIR: 'it is a directory',
  ENOTDIR: 'a part of its path is no directory',
  ENOSPC: 'the disk is full',
  EROFS: 'the file system is read-only',
}

export function fileFailure(sentence: string, error: unknown): Error {
  if (error instanceof Failure) return error
  const code = error instanceof Error && 'code' in error ? String(error.code) : undefined
  if (code === undefined) return error instanceof Error ? error : new Error(String(error))
  return new Failure(`${sentence}: ${REASONS[code] ?? code}`, EXIT.refused, { cause: error })
}
