import type { PinnedLog, Progress } from '@fractal-lba/log-tools'
import { readWalDirectory } from '@fractal-lba/runtime/shared-settings'
import { printable } from '@fractal-lba/runtime/text'
import type { Arguments } from './arguments.js'
import type { Option, Terminal } from './command.js'
import { fromEnvironment } from './environment.js'
import { EXIT, Failure } from './failure.js'

/** What each command that reads a log takes. */
export const walDirectoryOption: Option = {
  name: 'dir',
  value: 'DIR',
  help: "the wal service's directory (WAL_DIR, else DATA_DIR/wal; DATA_DIR is ./data)",
}

export const READ_ONLY_NOTE = `It reads only, takes no lock, and may be run at any time beside the process that has the log: it shows the
log as it was when the command began. The very last records may not be flushed yet.`

export function walDirectory(given: Arguments, terminal: Terminal): string {
  return given.text('dir') ?? fromEnvironment(terminal, readWalDirectory)
}

/**
 * Uses the log as it is now, shows on a terminal how far reading has come, and closes it.
 * @param label what is being done, for the bar
 * @param use may begin the bar anew for another reading, or stop it before it prints
 * @throws Failure with a sentence when there is no log or it cannot be read
 */
export async function withPinnedLog<Result>(
  directory: string,
  label: string,
  terminal: Terminal,
  use: (pinned: PinnedLog, progress: Progress) => Promise<Result>,
): Promise<Result> {
  // The log brings its native checksum with it: loaded by the commands that need it, when they run.
  const { pinLog, Progress: Bar } = await import('@fractal-lba/log-tools')
  const progress = new Bar(label, terminal.drawable ? terminal.err : undefined)
  return explained(directory, async () => {
    const pinned = await pinLog(directory, progress.add)
    try {
      progress.begin(pinned.sizeBytes)
      return await use(pinned, progress)
    } finally {
      progress.end()
      await pinned.close()
    }
  })
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such directory',
  ENOTDIR: 'it is no directory',
  EACCES: 'permission denied',
  EMFILE: 'this process may not open so many files (ulimit -n)',
  EIO: 'the disk cannot read it',
}

/** Turns errors of the log and of the system into a sentence for people. */
async function explained<Result>(directory: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    const { isWalError } = await import('@fractal-lba/wal')
    const { NoLogError } = await import('@fractal-lba/log-tools')
    if (error instanceof NoLogError) throw new Failure(printable(error.message), EXIT.refused)
    if (isWalError(error)) throw new Failure(printable(error.message), EXIT.refused, { cause: error })
    if (!(error instanceof Error) || !('syscall' in error) || !('code' in error)) throw error
    const code = String(error.code)
    const sentence = `cannot read the log in ${printable(directory)}: ${REASONS[code] ?? code}`
    throw new Failure(sentence, EXIT.refused, { cause: error })
  }
}
