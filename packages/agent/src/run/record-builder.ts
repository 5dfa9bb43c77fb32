import { MalformedRecord, type Parameters, type Pcs } from '@fractal-lba/pcs'
import { printable } from '@fractal-lba/runtime/text'
import { buildRecord, UnbuildableRecord } from '../record/build.js'
import { CSV_SIZE_BYTES_MAX, MalformedCsv, tooLargeCsv } from '../record/csv.js'
import type { FileIdentity } from './file-identity.js'
import { openRegular } from './regular-file.js'

/** How records are made of files: the same for all files of a directory. */
export interface BuildRules {
  /** The longest CSV that is read, in bytes. */
  readonly csvBytesMax?: number
  readonly seed: number
  readonly scales?: readonly number[]
  readonly chunkBytes?: number
  readonly params: Parameters
}

export interface BuildTask {
  readonly path: string
  /** How errors name the file. */
  readonly name: string
  readonly identity: FileIdentity
}

/**
 * - `built`: an unsigned record;
 * - `refused`: no record can come of this file; `why` is a sentence;
 * - `unreadable`: the file could not be read now;
 * - `aborted`: the thread that built it was ended, for want of memory or time for instance.
 */
export type BuildResult =
  | { readonly kind: 'built'; readonly record: Pcs }
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'unreadable'; readonly why: string }
  | { readonly kind: 'aborted'; readonly why: string }

/** Builds the record of one file. */
export async function buildFile(task: BuildTask, rules: BuildRules): Promise<BuildResult> {
  const file = printable(task.name)
  try {
    const csv = await contentOf(task.path, file, rules.csvBytesMax ?? CSV_SIZE_BYTES_MAX)
    if (csv === undefined) return { kind: 'unreadable', why: `${file} is no regular file` }
    return { kind: 'built', record: buildRecord({ ...rules, ...task.identity, csv, file }) }
  } catch (error) {
    if (error instanceof MalformedRecord) {
      const lines = error.errors.map(({ pointer, detail }) => `  ${pointer}: ${detail}`)
      return { kind: 'refused', why: ['no valid record comes of this file:', ...lines].join('\n') }
    }
    if (error instanceof MalformedCsv || error instanceof UnbuildableRecord || error instanceof RangeError) {
      return { kind: 'refused', why: error.message }
    }
    if (error instanceof Error && 'syscall' in error) return { kind: 'unreadable', why: error.message }
    throw error
  }
}

async function contentOf(path: string, file: string, sizeBytesMax: number): Promise<Buffer | undefined> {
  const handle = await openRegular(path)
  if (handle === undefined) return undefined
  try {
    if ((await handle.stat()).size > sizeBytesMax) throw tooLargeCsv(file, sizeBytesMax)
    return await handle.readFile()
  } finally {
    await handle.close()
  }
}
