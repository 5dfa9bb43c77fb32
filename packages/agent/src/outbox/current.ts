import { join } from 'node:path'
import type { Files } from '@fractal-lba/wal'
import { OutboxError } from './errors.js'
import { type OutboxFiles, readSmall, writeAll } from './files.js'

const POINTER = 'current'
const POINTER_NEW = 'current.new'
const FIRST = 'log-1'

/** `log-1`, `log-2`, …; undefined for any other name. */
function numberOf(name: string): number | undefined {
  const digits = /^log-([1-9][0-9]{0,14})$/.exec(name)?.[1]
  return digits === undefined ? undefined : Number(digits)
}

/**
 * The name of the directory that holds the log of this outbox; undefined when it has none yet.
 * @throws OutboxError `damaged` when the pointer to it, or the log itself, is lost
 */
export async function currentLog(files: Files, directory: string): Promise<string | undefined> {
  const text = (await readSmall(files, join(directory, POINTER)))?.toString('latin1').trim()
  if (text !== undefined && numberOf(text) !== undefined) {
    // the first log may be missing, if a start was killed; any other was complete before it was pointed to
    if (text === FIRST || (await hasSegments(files, join(directory, text)))) return text
    throw new OutboxError('damaged', `${join(directory, text)} is lost: restore it from a backup`)
  }
  const logs = (await files.list(directory)).filter((name) => numberOf(name) !== undefined)
  // a start that was killed before it had written the pointer leaves the first log, with nothing in it
  if (text === undefined && logs.every((name) => name === FIRST)) return undefined
  throw new OutboxError(
    'damaged',
    `${join(directory, POINTER)} is lost or unreadable: write the name of the newest complete log into it (there are: ${logs.join(', ')})`,
  )
}

async function hasSegments(files: Files, directory: string): Promise<boolean> {
  try {
    return (await files.list(directory)).some((name) => name.includes('.seg'))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false
    throw error
  }
}

/** As `currentLog`, but durable, and removes what crashed compactions left; makes the pointer of a new outbox. */
export async function settleCurrentLog(files: OutboxFiles, directory: string): Promise<string> {
  const current = await currentLog(files, directory)
  if (current === undefined) {
    await pointTo(files, directory, FIRST)
    return FIRST
  }
  // whoever wrote the pointer may have been killed before it flushed it: a power cut would then bring back the
  // log before this one, without what this process is about to promise
  await files.syncDirectory(directory)
  for (const name of await files.list(directory)) {
    if (numberOf(name) !== undefined && name !== current) await files.removeDirectory(join(directory, name))
  }
  return current
}

/** The name for the log that replaces that one. */
export function successorOf(name: string): string {
  return `log-${(numberOf(name) ?? 0) + 1}`
}

/** Makes that log the current one: durable, and all at once, when this resolves. */
export async function pointTo(files: Files, directory: string, name: string): Promise<void> {
  const path = join(directory, POINTER_NEW)
  if ((await files.list(directory)).includes(POINTER_NEW)) await files.unlink(path)
  const file = await files.open(path, 'create')
  try {
    await writeAll(file, Buffer.from(`${name}\n`), 0)
    await file.datasync()
  } finally {
    await file.close()
  }
  await files.rename(path, join(directory, POINTER))
  await files.syncDirectory(directory)
}
