import { copyFile, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { WalEvent } from '@fractal-lba/wal'
import { currentLog } from './current.js'
import { OutboxError } from './errors.js'
import { nodeOutboxFiles } from './files.js'
import { OutboxLog } from './outbox-log.js'

/** A compaction replaces the log in an instant; more than two in a row are not met. */
const TRIES_MAX = 3

/**
 * Looks at an outbox as it is now, without disturbing it: a copy of its log is read, so a process may have it
 * open, and nothing in the directory changes. Logs are only ever appended to, so a copy of a live one is what a
 * crash at this moment would leave.
 *
 * @throws OutboxError `missing` when there is no outbox
 */
export async function withSnapshot<Result>(
  directory: string,
  use: (log: OutboxLog) => Promise<Result>,
  onEvent: (event: WalEvent) => void = () => undefined,
): Promise<Result> {
  if (!(await outboxExists(directory))) {
    throw new OutboxError('missing', `there is no outbox in ${directory}`)
  }
  const copy = await mkdtemp(join(tmpdir(), 'pcs-outbox-'))
  try {
    await copyLog(directory, join(copy, 'log'))
    const log = await OutboxLog.open(join(copy, 'log'), {
      files: nodeOutboxFiles,
      onFatal: () => undefined, // it takes the form of a rejection as well, and nothing is written
      onEvent,
    })
    try {
      return await use(log)
    } finally {
      await log.close()
    }
  } finally {
    await rm(copy, { recursive: true, force: true })
  }
}

/** Whether there is an outbox in that directory. */
export async function outboxExists(directory: string): Promise<boolean> {
  try {
    return (await currentLog(nodeOutboxFiles, directory)) !== undefined
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false
    throw error
  }
}

async function copyLog(directory: string, target: string): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await mkdir(target)
      const current = await currentLog(nodeOutboxFiles, directory)
      const source = join(directory, current ?? '')
      const segments = (await readdir(source)).filter((name) =>
        /^[0-9a-f]{16}\.seg(\.quarantined.*)?$/.test(name),
      )
      for (const name of segments.sort()) await copyFile(join(source, name), join(target, name))
      // A log that is being removed may have shown a part of itself: it is whole if it is still the one.
      if ((await currentLog(nodeOutboxFiles, directory)) === current) return
      if (tries === TRIES_MAX) throw new OutboxError('busy', `the outbox in ${directory} compacts too often`)
    } catch (error) {
      if (tries === TRIES_MAX || !(error instanceof Error && 'code' in error && error.code === 'ENOENT'))
        throw error
    }
    await rm(target, { recursive: true, force: true })
  }
}
