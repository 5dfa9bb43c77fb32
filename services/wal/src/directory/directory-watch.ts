import type { DirectoryLog } from './directory-log.js'

const LOOK_MS = 1_000

export interface DirectoryWatch {
  readonly directory: string
  readonly onLost: (error: Error) => void
  readonly everyMs?: number
}

/**
 * Looks every second whether the log's directory is still the one that this process writes. Where somebody removed,
 * replaced or unmounted it, appends and flushes go on without an error, into files that no start will ever find.
 */
export function watchDirectory(
  log: Pick<DirectoryLog, 'holdsDirectory'>,
  { directory, onLost, everyMs = LOOK_MS }: DirectoryWatch,
  stopping: AbortSignal,
): void {
  const look = async (): Promise<void> => {
    if ((await log.holdsDirectory()) || stopping.aborted) return
    clearInterval(timer)
    onLost(
      new Error(
        `${directory} is not the directory that this log is written to any more: it was removed, replaced or unmounted, ` +
          'its lock was, or another node has taken it over. What was acknowledged since then is lost to the next start; put the directory back before it.',
      ),
    )
  }
  const timer = setInterval(() => void look(), everyMs)
  timer.unref()
  stopping.addEventListener('abort', () => clearInterval(timer), { once: true })
}
